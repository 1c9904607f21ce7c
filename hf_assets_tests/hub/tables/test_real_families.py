"""Families of a recorded listing, against the same computed by DuckDB from its JSON."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from hf_assets.demo.world.recorded import RecordedHub
from hf_assets.hub.quality import usage_rules
from hf_assets.hub.tables.families import families
from hf_assets.hub.tables.schemas import FAMILIES
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets.trends.metrics.families import of_families
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.hub.captures import made_models
from hf_assets_tests.support.hub.serving import serving

# Tags as the Hub writes them; bases one after the other, up to the last that names none.
SQL = r"""
WITH RECURSIVE models AS (SELECT id, downloads, tags FROM read_json(?)),
tagged AS (
    SELECT id, unnest(tags) AS tag, generate_subscripts(tags, 1) AS place FROM models
),
named AS (
    SELECT
        id, place,
        regexp_extract(tag, '^base_model:(finetune|adapter|quantized|merge):(.+)$', 1) AS relation,
        regexp_extract(tag, '^base_model:(finetune|adapter|quantized|merge):(.+)$', 2) AS base
    FROM tagged
),
ordered AS (
    SELECT *, row_number() OVER (
        PARTITION BY id ORDER BY base NOT IN (SELECT id FROM models), place
    ) AS worth
    FROM named WHERE base <> '' AND base <> id
),
best AS (SELECT id, relation, base FROM ordered WHERE worth = 1),
up AS (
    SELECT id, base AS top, 1 AS depth FROM best
    UNION ALL
    SELECT up.id, best.base, up.depth + 1 FROM up JOIN best ON up.top = best.id WHERE depth < 99
)
SELECT
    best.id, relation, base, base IN (SELECT id FROM models) AS base_listed,
    arg_max(top, depth) AS root, max(depth) AS depth
FROM best JOIN up ON best.id = up.id GROUP BY ALL ORDER BY best.id
"""


@pytest.fixture(scope="module")
def path(real_data: Path) -> Path:
    return real_data / "hub-models-2025-12" / "models.json"


@pytest.fixture(scope="module")
def models(path: Path, tmp_path_factory: pytest.TempPathFactory) -> StoredTable:
    with serving(RecordedHub(models=path)) as served:
        return made_models(Lake(tmp_path_factory.mktemp("lake")), served)


@pytest.fixture(scope="module")
def made(models: StoredTable, tmp_path_factory: pytest.TempPathFactory) -> StoredTable:
    lake = Lake(tmp_path_factory.mktemp("families"))
    return lake.write(FAMILIES, DAY, families(models.frame, DAY))


@pytest.fixture(scope="module")
def wanted(path: Path) -> duckdb.DuckDBPyConnection:
    """A database with the tables `served` and `wanted`."""
    database = duckdb.connect()
    database.execute("CREATE TABLE served AS SELECT id, downloads FROM read_json(?)", [str(path)])
    database.execute(f"CREATE TABLE wanted AS {SQL}", [str(path)])
    return database


def test_bases_roots_and_depths_of_december_2025(
    made: StoredTable, wanted: duckdb.DuckDBPyConnection
) -> None:
    found = made.frame.filter(pl.col("base").is_not_null()).sort("id").collect()
    names = ["id", "relation", "base", "base_listed", "root", "depth"]
    assert found.select(names).rows() == wanted.execute("FROM wanted ORDER BY id").fetchall()


def test_counts_of_december_2025(made: StoredTable) -> None:
    """Counted once by hand in the file: three cards name their own model."""
    notes = made.notes
    assert notes["relations"] == {
        "finetune": 216, "adapter": 33, "quantized": 145, "merge": 7, "unknown": 0
    }  # fmt: skip
    assert (notes["with a base"], notes["naming themselves"], notes["cycles"]) == (401, 3, 0)
    assert (notes["with no listed base"], notes["bases not listed"]) == (131, 128)
    assert notes["deepest"] == 3


def test_families_by_relation_agree(
    made: StoredTable, models: StoredTable, wanted: duckdb.DuckDBPyConnection
) -> None:
    counted = models.frame.select(
        "downloads", "downloads_all_time", "likes", "trending_score"
    ).collect()
    frames = list(of_families(made.frame, counted))
    frame = pl.concat(frames, how="diagonal_relaxed").collect()
    rows = wanted.execute(
        "SELECT relation, count(*), sum(downloads)::BIGINT FROM wanted JOIN served USING (id) "
        "GROUP BY ALL"
    ).fetchall()
    found = frame.filter(pl.col("dimension") == "relation", ~pl.col("key").is_in(["root"]))
    assert sorted(found.drop_nulls("key").select("key", "rows", "downloads").rows()) == sorted(rows)
    families_of = wanted.execute(
        "WITH members AS (SELECT id, root FROM wanted UNION SELECT root, root FROM wanted) "
        "SELECT root, count(*), sum(downloads)::BIGINT FROM members JOIN served USING (id) "
        "GROUP BY ALL"
    ).fetchall()
    biggest = frame.filter(pl.col("dimension") == "family").select("key", "rows", "downloads")
    # A model that only other bases than the first lead to is a family of its own.
    alone = set(biggest["key"]) - {root for root, *_ in families_of}
    assert len(alone) <= made.notes["with several bases"]
    assert sorted(row for row in biggest.rows() if row[0] not in alone) == sorted(families_of)


def test_rules_pass(made: StoredTable, models: StoredTable) -> None:
    assert usage_rules.families_add_up(made, models).passed
    assert usage_rules.no_cycles(made).passed
    assert "name themselves" in usage_rules.no_cycles(made).description
    assert usage_rules.bases_listed(made, None).passed
