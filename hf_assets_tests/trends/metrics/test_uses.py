"""What uses what in the aggregates of a day, counted by hand."""

from collections.abc import Iterable
from typing import Any

import polars as pl
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.tables.schemas import MODEL_USAGE, MODELS
from hf_assets.hub.uses.records import EdgeCounts, UsesCounts
from hf_assets.hub.uses.schemas import USED_BY, USES
from hf_assets.storage.lake import Lake, StoredTable, iso
from hf_assets.trends.metrics import uses as metrics
from hf_assets.trends.metrics.daily_metrics import DAILY_METRICS, daily_metrics
from hf_assets.trends.metrics.uses import UsesOfDay, uses_of_days
from hf_assets_tests.conftest import DAY, ServeHub
from hf_assets_tests.support.hub.captures import made_models, made_spaces
from hf_assets_tests.support.hub.uses import made_uses
from hf_assets_tests.support.trends.metrics import Row, rows_of


def metrics_of(models: pl.LazyFrame, uses: UsesOfDay | None, usage: pl.LazyFrame) -> pl.DataFrame:
    made = daily_metrics(models, None, usage, [], DAY, uses={DAY: uses} if uses else None)
    names = DAILY_METRICS.schema.names()
    parts = [part.select(names).cast(dict(DAILY_METRICS.schema)) for part in made.frames]
    return pl.concat(parts)


def of(rows: Iterable[Row], edges: Iterable[Row], used: Iterable[Row], **kinds: EdgeCounts):
    """`daily_metrics` of these rows of `models`, `uses` and `used_by`."""
    counts = UsesCounts(kinds=UsesCounts().kinds | kinds)
    day = UsesOfDay(
        pl.LazyFrame(list(edges), schema=USES.schema),
        pl.LazyFrame(list(used), schema=USED_BY.schema),
        counts,
    )
    models = pl.LazyFrame(list(rows), schema=MODELS.schema)
    return metrics_of(models, day, pl.LazyFrame(schema=MODEL_USAGE.schema))


def model(at: int, category: str | None, downloads: int | None, year: int = 2025) -> Row:
    return {"hub_id": f"{at}", "id": f"a/{at}", "category": category, "downloads": downloads,
            "year": year, "floor_dated": year == 2022}  # fmt: skip


MODELS_BY_HAND = [
    model(1, "text", 60),
    model(2, "text", 30, year=2024),
    model(3, None, 10, year=2022),
    model(4, "image", None),
]
STATED = {"model-dataset": EdgeCounts(sources=4, naming=2, edges=3)}


def test_training_data_by_hand() -> None:
    edges = [
        {"kind": "model-dataset", "source_id": source, "target": target}
        for source, target in (("1", "a/d"), ("1", "b/d"), ("3", "a/d"))
    ]
    edges.append({"kind": "model-paper", "source_id": "2", "target": "2305.18290"})
    frame = of(MODELS_BY_HAND, edges, [], **STATED)
    (row,) = rows_of(frame, "training_data").values()
    assert (row["key"], row["rows"], row["downloads"]) == ("all", 2, 70)
    assert (row["share_rows"], row["share_downloads"]) == (0.5, pytest.approx(0.7))
    by_category = rows_of(frame, "training_data_category")
    shares = {key: (one["rows"], one["share_rows"], one["share_downloads"], one["downloads"])
              for key, one in by_category.items()}  # fmt: skip
    assert shares == {
        "text": (1, 0.5, pytest.approx(2 / 3), 60),
        None: (1, 1.0, 1.0, 10),
        # Its downloads are unknown, and so is the share of them.
        "image": (0, 0.0, None, None),
    }
    years = rows_of(frame, "training_data_year")
    assert {key: one["rows"] for key, one in years.items()} == {"2025": 1, "2024": 0, None: 1}
    assert {key: one["rows"] for key, one in rows_of(frame, "edges").items()} == {
        "model-dataset": 3
    }
    assert rows_of(frame, "edges")["model-dataset"]["share_rows"] == 0.5


def test_a_source_without_tags_has_no_share_of_zero() -> None:
    frame = of(MODELS_BY_HAND, [], [], **{"space-model": EdgeCounts(sources=9)})
    assert not frame["dimension"].str.starts_with("training_data").any()
    assert list(rows_of(frame, "edges")) == ["space-model"]
    assert rows_of(frame, "category")["text"]["rows"] == 2


def test_rankings_have_the_most_used_and_the_most_downloaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "MOST_USED", 2)
    monkeypatch.setattr(metrics, "MOST_DOWNLOADED", 1)
    rows: list[tuple[Any, ...]] = [
        ("paper", "p1", None, 5, 9), ("paper", "p2", None, 5, 1), ("paper", "p3", None, 1, 70),
        ("paper", "p4", None, 4, 60), ("dataset", "d1", 9, 0, 0), ("dataset", "d2", 1, 9, None),
    ]  # fmt: skip
    used = [dict(zip(("of", "target", "spaces", "models", "downloads"), row, strict=True))
            for row in rows]  # fmt: skip
    frame = of(MODELS_BY_HAND, [], used, **STATED)
    papers = rows_of(frame, "used_paper")
    ranks = {key: (row["rank"], row["rows"], row["downloads"], row["value"])
             for key, row in papers.items()}  # fmt: skip
    assert ranks == {"p1": (1, 5, 9, None), "p2": (2, 5, 1, None), "p3": (4, 1, 70, None)}
    datasets = {key: (row["rank"], row["rows"], row["value"])
                for key, row in rows_of(frame, "used_dataset").items()}  # fmt: skip
    assert datasets == {"d2": (1, 9, 1.0), "d1": (2, 0, 9.0)}


def test_a_generated_day(hub: ServeHub, lake: Lake) -> None:
    served = hub(GeneratedHub(3000, 700, seed=4, day=iso(DAY)))
    models = made_models(lake, served)
    spaces = made_spaces(lake, served, models)
    tables = made_uses(lake, spaces, models)
    usage = tables["model_usage"].frame

    def stored(uses: dict[str, UsesOfDay]) -> StoredTable:
        made = daily_metrics(models.frame, spaces.frame, usage, [], DAY, uses=uses)
        return lake.write(DAILY_METRICS, DAY, made)

    without = stored({})
    plain, size = without.frame.collect(), without.bytes
    with_uses = stored(uses_of_days({DAY: tables["uses"]}, {DAY: tables["used_by"]}))
    frame = with_uses.frame.collect()
    added = pl.col("dimension").str.contains("^(edges|training_data|used_)")
    # No other number changes, and the day stays small.
    assert frame.filter(~added).equals(plain)
    assert with_uses.bytes - size < 30_000
    assert with_uses.notes["edges"] == tables["uses"].rows
    assert "edges" not in without.notes
    naming = {row["hub_id"]: row for row in models.frame.collect().to_dicts()
              if any(tag.startswith("dataset:") for tag in row["tags"] or [])}  # fmt: skip
    (row,) = rows_of(frame, "training_data").values()
    assert row["rows"] == len(naming) > 100
    assert row["downloads"] == sum(one["downloads"] or 0 for one in naming.values())
    for kind in ("model", "dataset", "paper"):
        users = tables["used_by"].frame.filter(of=kind).collect()
        found = frame.filter(dimension=f"used_{kind}")
        assert found.height == min(users.height, found.height) > 20
        assert found["rank"].is_sorted()
        assert found["key"].is_in(users["target"].implode()).all()
    assert uses_of_days({DAY: tables["uses"]}, {}) == {}
