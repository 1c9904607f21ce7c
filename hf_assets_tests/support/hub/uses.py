"""What uses what, counted by hand, and by DuckDB from listings as they were recorded."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from hf_assets.hub.tables import schemas, usage
from hf_assets.hub.uses import edges, used_by
from hf_assets.hub.uses.records import UsesCounts
from hf_assets.hub.uses.schemas import USED_BY, USES
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets_tests.conftest import DAY

Row = dict[str, Any]
PAPER = re.compile(
    r"(?:(?P<new>\d\d(?:0[1-9]|1[0-2])\.\d{4,5})"
    r"|(?P<archive>[a-z]+(?:-[a-z]+)*)(?:\.[A-Z]{2})?/(?P<old>\d\d(?:0[1-9]|1[0-2])\d{3}))(?:v\d+)?"
)


def made_uses(
    lake: Lake, spaces: StoredTable, models: StoredTable, datasets: StoredTable | None = None
) -> dict[str, StoredTable]:
    """`uses`, `used_by` and `model_usage` of those tables, by name."""
    listed = datasets.frame if datasets else None
    found = lake.write(USES, DAY, edges.uses(spaces.frame, models.frame, listed, DAY))
    counts = UsesCounts.read(found.notes)
    users = used_by.used_by(found.frame, spaces.frame, models.frame, counts, DAY)
    top = usage.top_models(models.frame, DAY, tags=("text-generation",), count=5, sort="likes")
    ranked = lake.write(schemas.TOP_MODELS, DAY, top)
    used = usage.model_usage(spaces.frame, models.frame, ranked.frame, DAY)
    return {
        "uses": found,
        "used_by": lake.write(USED_BY, DAY, users),
        "model_usage": lake.write(schemas.MODEL_USAGE, DAY, used),
    }


def paper(name: str) -> str | None:
    """An arXiv id without version and subject class; None for another form."""
    match = PAPER.fullmatch(name)
    return match and (match["new"] or f"{match['archive']}/{match['old']}")


def naive_edges(
    spaces: Iterable[Row], models: Iterable[Row], datasets: set[str] | None
) -> tuple[list[tuple], dict[str, Counter[str]]]:
    """The rows of `uses` but the day, and counts by kind, name by name."""
    models = list(models)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    listed = {row["id"] for row in models}
    known = {"model": listed, "dataset": datasets, "paper": None}
    found = []
    for row, kind, names in _named([*spaces], models):
        counts[kind]["sources"] += names is not None
        seen = set()
        for name, relation in names or []:
            if not name:
                counts[kind]["empty"] += 1
                continue
            target = name
            if kind == "model-paper":
                counts[kind]["malformed"] += paper(name) is None
                target = paper(name) or name
            if target in seen:
                counts[kind]["duplicates"] += 1
                continue
            seen.add(target)
            counts[kind]["to_itself"] += kind == "model-model" and target == row["id"]
            there = known[kind.partition("-")[2]]
            if there is not None and target not in there:
                counts[kind]["unknown"] += 1
                lower = {one.lower() for one in there}
                counts[kind]["other_case"] += target.lower() in lower
            is_known = None if there is None else target in there
            found.append((kind, row["hub_id"], row["id"], target, relation, is_known))
    return found, counts


def _named(
    spaces: list[Row], models: list[Row]
) -> Iterator[tuple[Row, str, list[tuple[str | None, str | None]] | None]]:
    """Each source and kind, with what it names and how; None where its field is missing."""
    for row in spaces:
        for kind, column in (("space-model", "models"), ("space-dataset", "datasets")):
            yield row, kind, None if row[column] is None else [(one, None) for one in row[column]]
    for row in models:
        tags, bases = row["tags"], row["base_models"]
        for kind, prefix in (("model-dataset", "dataset:"), ("model-paper", "arxiv:")):
            of_kind = [(one.removeprefix(prefix), None) for one in tags or []
                       if one is not None and one.startswith(prefix)]  # fmt: skip
            yield row, kind, None if tags is None else of_kind
        named = [(one["id"], one["relation"] or "unknown") for one in bases or []]
        yield row, "model-model", None if tags is None and bases is None else named


# By DuckDB, from rows as the Hub serves them

# The field `baseModels` has the present names of bases; a model without it has tags alone.
_EDGES = r"""
WITH named AS (
    SELECT DISTINCT _id, downloads, unnest(tags) AS tag FROM models
), stated AS (
    SELECT _id, downloads, baseModels.relation AS relation,
        unnest(list_distinct(list_transform(baseModels.models, lambda m: m.id))) AS target
    FROM models
), tagged AS (
    SELECT _id, any_value(downloads) AS downloads,
        max(regexp_extract(tag, '^base_model:(finetune|adapter|quantized|merge):', 1)) AS relation,
        regexp_replace(tag, '^base_model:((finetune|adapter|quantized|merge):)?', '') AS target
    FROM named ANTI JOIN stated USING (_id) WHERE tag LIKE 'base_model:_%' GROUP BY _id, target
), bases AS (FROM stated UNION ALL FROM tagged)
"""
_USERS = {
    "dataset": "SELECT tag[9:] AS target, count(*), sum(downloads) FROM named "
    "WHERE tag LIKE 'dataset:_%' GROUP BY ALL",
    "paper": "SELECT target, count(*), sum(downloads) FROM (SELECT DISTINCT _id, downloads, "
    "regexp_replace(tag[7:], 'v[0-9]+$', '') AS target FROM named WHERE tag LIKE 'arxiv:_%') "
    "GROUP BY ALL",
    "model": "SELECT target, count(*), sum(downloads) FROM bases GROUP BY ALL",
}
_RELATIONS = """
SELECT target, coalesce(nullif(relation, ''), 'unknown'), count(*) FROM bases GROUP BY ALL
"""
_SPACES = """
SELECT target, count(*), count(DISTINCT author), sum(likes)
FROM (
    SELECT DISTINCT _id, coalesce(author, regexp_extract(id, '^([^/]+)/', 1)) AS author, likes,
        unnest({0}) AS target
    FROM spaces
) GROUP BY ALL
"""


def by_duckdb(folder: Path, models: Iterable[Row], spaces: Iterable[Row]) -> Mapping[str, Any]:
    """Users of each target, from rows as served: by kind, and of Spaces under "Spaces: kind"."""
    columns = {
        "models": "{_id: 'VARCHAR', downloads: 'BIGINT', tags: 'VARCHAR[]', baseModels: "
        "'STRUCT(relation VARCHAR, models STRUCT(id VARCHAR)[])'}",
        "spaces": "{_id: 'VARCHAR', id: 'VARCHAR', author: 'VARCHAR', likes: 'BIGINT', "
        "models: 'VARCHAR[]', datasets: 'VARCHAR[]'}",
    }
    with duckdb.connect() as db:
        for name, rows in (("models", models), ("spaces", spaces)):
            file = folder / f"{name}.ndjson"
            file.write_text("".join(json.dumps(row) + "\n" for row in rows))
            db.execute(f"CREATE TABLE {name} AS SELECT * FROM read_json('{file}', "
                       f"columns = {columns[name]}, format = 'newline_delimited')")  # fmt: skip
        found: dict[str, Any] = {
            of: {target: tuple(counts) for target, *counts in db.execute(_EDGES + query).fetchall()}
            for of, query in _USERS.items()
        }
        found["relations"] = {
            (target, relation): count
            for target, relation, count in db.execute(_EDGES + _RELATIONS).fetchall()
        }
        for of, column in (("model", "models"), ("dataset", "datasets")):
            rows = db.execute(_SPACES.format(column)).fetchall()
            found[f"Spaces: {of}"] = {target: tuple(counts) for target, *counts in rows}
    return found
