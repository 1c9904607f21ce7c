"""Drift as an asset, of a lake in a folder and on a store: texts of days, and the Hub's models."""

from datetime import date, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from hf_assets.classifiers.drift.table import drift_table
from hf_assets.corpora.registry import CorpusSpec, corpora
from hf_assets.corpora.schemas import texts_frame, texts_table
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.labels.classifiers import classifier_assets
from hf_assets.defs.labels.corpora import corpus_assets
from hf_assets.defs.labels.drift import growth_of
from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage import month_files
from hf_assets.storage.lake import Lake, StoredTable, TableWrite
from hf_assets_tests.classifiers.drift.test_models import BUILT, NEW, OLD, make_day, make_models
from hf_assets_tests.corpora.conftest import make_rows

pytestmark = pytest.mark.heavy

TEXTS = texts_table("new_questions")
TOYS = CorpusSpec(name="toys", source=("new_questions",), rare_share=0.01)
HUB = corpora().specs["hub_models"]


def store_day(lake: Lake, day: str, count: int, seed: int) -> StoredTable:
    facts = {TEXTS.name: {"site": "toys", "of": str(seed)}}
    return lake.write(
        TEXTS, day, TableWrite([texts_frame(make_rows(count, seed))], provenance=facts)
    )


def trust(lake: Lake, *days: date) -> None:
    rows: dict[str, Any] = {"day": list(days), "trusted": [True] * len(days)}
    frame = pl.DataFrame(rows).with_columns(
        pl.lit(None, dtype).alias(name)
        for name, dtype in DAY_QUALITY.schema.items()
        if name not in rows
    )
    lake.write(DAY_QUALITY, None, TableWrite([frame.select(DAY_QUALITY.schema.names())]))


def run(spec: CorpusSpec, lake: Lake, *names: str) -> dg.ExecuteInProcessResult:
    """One run over those of a corpus's assets, and of the drift's checks where it is one."""
    drift, checks = growth_of(spec)
    assets = [
        one
        for one in (*corpus_assets(spec), *classifier_assets(spec), *drift)
        if isinstance(one, dg.AssetsDefinition) and one.key.path[-1] in names
    ]
    chosen = [one for one in checks if next(iter(one.check_keys)).asset_key.path[-1] in names]
    resources = {"lake": LakeResource(root=str(lake.root))}
    return dg.materialize([*assets, *chosen], resources=resources, raise_on_error=False)


def rows_of(spec: CorpusSpec, lake: Lake) -> dict[str, dict[str, Any]]:
    table = lake.read(drift_table(spec.name).name, None)
    return {str(row["week"]): row for row in table.frame.collect().to_dicts()}


def test_texts_of_later_days_drift(any_lake: Lake) -> None:
    store_day(any_lake, "2026-11-02", 150, 0)
    assert run(TOYS, any_lake, "corpus", "baseline").success
    store_day(any_lake, "2026-11-09", 30, 1)
    store_day(any_lake, "2026-11-16", 10, 2)
    result = run(TOYS, any_lake, "drift")
    assert result.success
    before = rows_of(TOYS, any_lake)
    assert {week: row["texts"] for week, row in before.items()} == {
        "2026-11-09": 30,
        "2026-11-16": 10,
    }
    assert all(0 < row["unseen_words"] <= 1 for row in before.values())
    found = {one.check_name: one for one in result.get_asset_check_evaluations()}
    assert found["corpus_not_old"].metadata["unseen rows"].value == 40
    assert found["not_drifted"].metadata["texts"].value == 40
    # A corpus that is built again has learnt them; their rows stay.
    assert run(TOYS, any_lake, "corpus").success
    result = run(TOYS, any_lake, "drift")
    assert result.success
    assert rows_of(TOYS, any_lake) == before
    assert all(one.passed for one in result.get_asset_check_evaluations())


def test_a_second_run_waits_for_the_first(any_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(month_files, "LOCK_WAIT", 0.2)
    store_day(any_lake, "2026-11-02", 150, 0)
    assert run(TOYS, any_lake, "corpus").success
    store_day(any_lake, "2026-11-09", 30, 1)
    with any_lake.refreshing(drift_table("toys").name):
        result = run(TOYS, any_lake, "drift")
    assert not result.success
    assert "another run has been refreshing" in str(result.filter_events(_failed))
    assert run(TOYS, any_lake, "drift").success
    assert list(rows_of(TOYS, any_lake)) == ["2026-11-09"]


def _failed(event: dg.DagsterEvent) -> bool:
    return event.is_step_failure or event.is_step_up_for_retry


def test_weeks_of_models_stay_when_the_corpus_is_drawn_again(any_lake: Lake) -> None:
    old = make_models(600, BUILT - timedelta(days=60), 60, OLD, "old")
    came = make_models(110, BUILT + timedelta(days=1), 11, NEW, "new")
    make_day(any_lake, BUILT, old)
    trust(any_lake, BUILT)
    assert run(HUB, any_lake, "corpus").success
    days = [BUILT + timedelta(days=after) for after in (5, 11)]
    for day in days:
        make_day(any_lake, day, old, came)
    trust(any_lake, BUILT, *days)
    assert run(HUB, any_lake, "drift").success
    before = rows_of(HUB, any_lake)
    assert {week: row["texts"] for week, row in before.items()} == {
        "2026-11-02": 40,
        "2026-11-09": 70,
    }
    # Neither retention nor another draw changes what was measured of a week that is over.
    thin(any_lake, days[0])
    assert run(HUB, any_lake, "drift").success
    assert rows_of(HUB, any_lake) == before
    assert run(HUB, any_lake, "corpus").success
    assert run(HUB, any_lake, "drift").success
    assert rows_of(HUB, any_lake) == before


def thin(lake: Lake, day: date) -> None:
    """As retention leaves an old day: without what texts are made of."""
    stored = lake.read("models", f"{day}")
    rows = stored.frame.with_columns(tags=pl.lit(None)).collect()
    notes = {**stored.notes, "thinned": "2027-01-04"}
    lake.write(MODELS, f"{day}", TableWrite([rows.cast(dict(MODELS.schema))], notes))
