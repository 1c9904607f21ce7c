"""Users of models, datasets and papers, against DuckDB over the listings as they were served."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.recorded import RecordedHub
from hf_assets.hub.client import listing
from hf_assets.hub.uses.records import UsesCounts
from hf_assets.hub.uses.rules import used_by_adds_up, uses_add_up
from hf_assets.hub.uses.schemas import RELATIONS, UNKNOWN, USED_BY
from hf_assets.storage.lake import Lake, StoredTable, iso
from hf_assets_tests.conftest import DAY, ServeHub
from hf_assets_tests.support.hub.captures import (
    captured,
    hub_id,
    made_models,
    made_spaces,
    model,
    recorded,
    rows_of,
)
from hf_assets_tests.support.hub.uses import by_duckdb, made_uses, paper

Row = dict[str, Any]
Served = tuple[dict[str, StoredTable], list[Row], list[Row]]


@pytest.fixture
def of_hub(hub: ServeHub, lake: Lake) -> Callable[[Any], Served]:
    """Tables of what is served, and its models and Spaces as served, each once."""

    def make(source: Any) -> Served:
        served = hub(source)
        models = made_models(lake, served)
        spaces = made_spaces(lake, served, models)
        tables = made_uses(lake, spaces, models) | {"models": models, "spaces": spaces}
        rows = [
            [{row["_id"]: row for row in rows_of(captured(lake, served, kind))}.values()]
            for kind in ("models", "spaces")
        ]
        return tables, [*rows[0][0]], [*rows[1][0]]

    return make


def users(stored: StoredTable) -> dict[str, dict[str, Row]]:
    """Rows of `used_by` by kind of target, by target."""
    found: dict[str, dict[str, Row]] = {"model": {}, "dataset": {}, "paper": {}}
    for row in stored.frame.collect().iter_rows(named=True):
        assert row["target"] not in found[row["of"]]
        found[row["of"]][row["target"]] = row
    return found


def assert_as_served(tables: dict[str, StoredTable], wanted: dict[str, Any]) -> None:
    """Every count of `used_by` is that of DuckDB over the rows as served."""
    found = users(tables["used_by"])
    for of, rows in found.items():
        of_models = {target: (row["models"], row["downloads"]) for target, row in rows.items()
                     if row["models"]}  # fmt: skip
        assert of_models == wanted[of]
        of_spaces = {target: (row["spaces"], row["authors"], row["likes"])
                     for target, row in rows.items() if row["spaces"]}  # fmt: skip
        assert of_spaces == wanted.get(f"Spaces: {of}", {})
    relations = {
        (target, name): row[name]
        for target, row in found["model"].items()
        for name in (*RELATIONS, UNKNOWN)
        if row[name]
    }
    assert relations == wanted["relations"]


def test_users_on_a_generated_hub(of_hub: Callable[[Any], Served], tmp_path: Path) -> None:
    tables, models, spaces = of_hub(GeneratedHub(3000, 900, seed=6, day=iso(DAY)))
    wanted = by_duckdb(tmp_path, models, spaces)
    assert_as_served(tables, dict(wanted))
    assert min(len(wanted[of]) for of in ("model", "dataset", "paper")) > 20
    assert min(len(wanted[f"Spaces: {of}"]) for of in ("model", "dataset")) > 20
    for result in (
        uses_add_up(tables["uses"], tables["spaces"], tables["models"]),
        used_by_adds_up(tables["used_by"], tables["uses"], tables["model_usage"]),
    ):
        assert result.passed, result.description
    known = tables["uses"].frame.filter(kind="space-model").collect()
    listed = set(tables["models"].frame.select("id").collect()["id"])
    assert 0 < known["known"].sum() < known.height
    assert all(one == (target in listed) for target, one in
               known.select("target", "known").iter_rows())  # fmt: skip


def test_users_by_hand(of_hub: Callable[[Any], Served], tmp_path: Path) -> None:
    models = [
        model(1, downloads=100, tags=["dataset:a/d", "dataset:a/d", "arxiv:2305.18290v2"]),
        model(2, downloads=None, tags=["dataset:a/d", "base_model:merge:author1/model-0001",
                                       "base_model:author1/model-0001"]),
        model(3, downloads=7, tags=["base_model:author1/model-0001", "arxiv:2305.18290"]),
        model(4, downloads=None, tags=["dataset:only/unknown"]),
    ]  # fmt: skip
    spaces = [
        {"_id": hub_id(90 + at), "id": f"u{at}/s", "author": author, "likes": likes,
         "models": ["author1/model-0001"], "datasets": ["a/d", "b/e"]}
        for at, (author, likes) in enumerate([("u", 3), ("u", None), (None, 4)])
    ]  # fmt: skip
    tables, *_ = of_hub(recorded(tmp_path / "hub", models, spaces))
    found = users(tables["used_by"])
    base = found["model"]["author1/model-0001"]
    assert (base["spaces"], base["authors"], base["likes"]) == (3, 2, 7)
    assert (base["models"], base["merge"], base["unknown"], base["downloads"]) == (2, 1, 1, 7)
    assert base["known"] is True
    dataset = found["dataset"]["a/d"]
    assert (dataset["models"], dataset["downloads"], dataset["spaces"]) == (2, 100, 3)
    assert dataset["finetune"] is dataset["known"] is None
    assert found["dataset"]["b/e"]["models"] == found["dataset"]["b/e"]["downloads"] == 0
    # Their downloads are unknown: not 0.
    assert found["dataset"]["only/unknown"]["downloads"] is None
    assert found["dataset"]["only/unknown"]["spaces"] == 0
    row = found["paper"]["2305.18290"]
    assert (row["models"], row["downloads"], row["spaces"]) == (2, 107, None)
    assert tables["used_by"].frame.collect().schema == USED_BY.schema


def test_what_a_source_does_not_state_is_null(
    of_hub: Callable[[Any], Served], tmp_path: Path
) -> None:
    """Without Spaces nobody knows which Spaces use a model: not 0."""
    tags = ["base_model:a/b", "dataset:a/d"]
    tables, *_ = of_hub(recorded(tmp_path / "hub", [model(1, tags=tags)], []))
    found = users(tables["used_by"])
    for of, target in (("model", "a/b"), ("dataset", "a/d")):
        row = found[of][target]
        assert (row["models"], row["spaces"], row["authors"], row["likes"]) == (1, None, None, None)


def test_models_without_tags_name_nothing(of_hub: Callable[[Any], Served], tmp_path: Path) -> None:
    space = {"_id": hub_id(9), "id": "u/s", "models": ["a/b"]}
    tables, *_ = of_hub(recorded(tmp_path / "hub", [model(1, downloads=1)], [space]))
    (row,) = users(tables["used_by"])["model"].values()
    assert (row["spaces"], row["models"], row["downloads"], row["merge"]) == (1, None, None, None)


# hub-models-2025-12 and hub-spaces-by-model-2024-01: listings as they were recorded


def test_users_of_december_2025(
    of_hub: Callable[[Any], Served],
    real_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 300)
    path = real_data / "hub-models-2025-12" / "models.json"
    tables, *_ = of_hub(RecordedHub(models=path))
    recorded = json.loads(path.read_text())
    assert_as_served(tables, dict(by_duckdb(tmp_path, recorded, [])))
    kinds = UsesCounts.read(tables["uses"].notes).kinds
    edges = {kind: (one.edges, one.naming, one.duplicates) for kind, one in kinds.items()}
    assert edges == {
        "space-model": (0, 0, 0), "space-dataset": (0, 0, 0), "model-dataset": (390, 134, 0),
        "model-paper": (1352, 491, 0), "model-model": (418, 404, 0),
    }  # fmt: skip
    assert kinds["model-model"].to_itself == 3
    assert (kinds["model-model"].unknown, kinds["model-model"].other_case) == (144, 0)
    # Three models of a publisher name a placeholder, arxiv:0000.00000.
    assert kinds["model-paper"].malformed == 3
    found = users(tables["used_by"])
    assert {of: len(rows) for of, rows in found.items()} == {
        "model": 250, "dataset": 288, "paper": 517,
    }  # fmt: skip
    assert_most(found["dataset"], "models", {"multi_nli": 5})
    assert_most(found["paper"], "models", {"2505.09388": 43})
    assert sum(row["models"] for row in found["paper"].values()) == len(_papers(recorded))


def _papers(rows: Iterable[Row]) -> set[tuple[str, str]]:
    tags = ((row["_id"], tag.removeprefix("arxiv:")) for row in rows for tag in row["tags"]
            if tag.startswith("arxiv:"))  # fmt: skip
    return {(model, paper(name) or name) for model, name in tags}


def assert_most(rows: dict[str, Row], column: str, wanted: dict[str, int]) -> None:
    ((target, count),) = wanted.items()
    assert rows[target][column] == count == max(row[column] for row in rows.values())


def test_users_of_january_2024(
    of_hub: Callable[[Any], Served], real_data: Path, tmp_path: Path
) -> None:
    folder = real_data / "hub-spaces-by-model-2024-01"
    spaces = json.loads((folder / "spaces.json").read_text())
    tables, *_ = of_hub(RecordedHub(folder / "models.json", folder / "spaces.json"))
    models = json.loads((folder / "models.json").read_text())
    assert_as_served(tables, dict(by_duckdb(tmp_path, models, spaces)))
    rows = users(tables["used_by"])["model"]
    assert sum(row["spaces"] for row in rows.values()) == 3772
    assert rows["gpt2"]["spaces"] == 1212
    result = used_by_adds_up(tables["used_by"], tables["uses"], tables["model_usage"])
    assert result.passed, result.description
    assert pl.Series([row["likes"] for row in rows.values()]).null_count() == 38
