"""What is stored, checked and shown of days is the same once they are thinned, and then emptied."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from hf_assets.apps.explore.lake_reader import LakeReader
from hf_assets.apps.index import folders
from hf_assets.apps.index.indexes import Indexes
from hf_assets.apps.index.old_days import OldDays
from hf_assets.apps.index.query import ModelQuery
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.hub.checks import checks
from hf_assets.defs.hub.usage_checks import use_checks
from hf_assets.defs.trends.checks import history_checks
from hf_assets.defs.trends.history import FROM_METRICS
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub import retention
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.quality.day_quality import stale_days
from hf_assets.hub.repository_days.schemas import KINDS
from hf_assets.hub.retention import EMPTIED, KEPT, THINNED, Ages, thin
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.defs.conftest import TABLES, Make, World, days_ago, failures
from hf_assets_tests.defs.trends.test_history import run

pytestmark = pytest.mark.heavy
ALL: tuple[Kind, ...] = ("models", "spaces", "datasets")
SERIES = (*FROM_METRICS, "adoption_history", "lifecycle")
OF_DAYS = ("models", "enriched_spaces", "hub_datasets", "families", "uses", "daily_metrics")
COUNT = 5


def days() -> list[str]:
    """Five days older than two months, oldest first."""
    return [days_ago(70 - number) for number in range(COUNT)]


def old(lake: Lake) -> list[str]:
    return [day for day in lake.days("models") if not day.endswith("-01")]


def refreshed(hub: World) -> None:
    """Compare every day again, and rebuild every month of every series."""
    first, *_, last = days()
    assert not failures(hub.materialize("daily_changes", days=(first, last)))
    full = {"config": {"full_refresh": True}}
    ops = dict.fromkeys(("histories", "adoption_history", "lifecycle", *KINDS), full)
    names = ("day_quality", *SERIES, *KINDS, "model_phases")
    assert not failures(run(hub, *names, config={"ops": ops}))


def stored(hub: World) -> Iterator[tuple[tuple[str, str | None], pl.DataFrame]]:
    """Every table but those that thinning changes."""
    for name in (*TABLES, "daily_changes"):
        if name not in KEPT:
            for day in hub.lake.days(name):
                yield (name, day), hub.lake.read(name, day).frame.collect()
    for name in ("day_quality", *SERIES, *KINDS, "model_phases"):
        yield (name, None), hub.lake.read(name, None).frame.collect()
    for day in hub.lake.days("daily_changes"):
        yield from (
            ((f"daily_changes/{name}", day), rows)
            for name, rows in hub.lake.read("daily_changes", day).asides.items()
        )


def checked(hub: World) -> dict[tuple[str, str, str], Any]:
    """What each check of tables of days says of each."""
    lake, found = LakeResource(root=str(hub.root)), {}
    every = [*(checks().asset_checks or ()), *(use_checks().asset_checks or ())]
    for one in (*every, *(history_checks().asset_checks or ())):
        (spec,) = one.check_specs
        name = spec.asset_key.path[-1]
        # No job of Dagster runs partitioned checks without their assets.
        for day in old(hub.lake) if name in OF_DAYS else ():
            of_day = SimpleNamespace(partition_keys=[day])
            context = SimpleNamespace(op_execution_context=of_day, run=SimpleNamespace(tags={}))
            result = getattr(one.op.compute_fn, "decorated_fn")(context, lake)  # noqa: B009
            metadata = {key: value.value for key, value in result.metadata.items()}
            found[name, spec.name, day] = (result.passed, result.description, metadata)
    return found


def shown(reader: LakeReader, day: str) -> dict[str, Any]:
    """What pages ask about a day."""
    queries = {
        "all": ModelQuery(),
        "search": ModelQuery("a"),
        "likes": ModelQuery(sort="likes"),
        "category": ModelQuery(category=("text-generation",)),
    }
    answers: dict[str, Any] = {}
    for name, query in queries.items():
        page = reader.models(day, query)
        answers |= {f"{name} total": page.total, f"{name} rows": page.rows.to_dicts()}
        answers[f"{name} sums"] = reader.totals(day, query)
    chosen = page.rows["id"][0]
    model = reader.model(day, chosen)
    assert model is not None
    return answers | {
        "model": model,
        "rank": reader.rank_in_category(day, model),
        "every day": reader.every_day(model).to_dicts(),
        "days": reader.rows_of_all_days(),
        "gated": reader.choices(day, "gated"),
        "Spaces": reader.spaces(day).rows.to_dicts(),
        "sdk": reader.counted(day, "sdk").to_dicts(),
    }


@pytest.fixture
def hub(world: Make) -> World:
    hub = world(GeneratedHub(300, 100, seed=4))
    first, *_, last = days()
    for day in days():
        hub.capture(day, ALL)
    tables = (*TABLES, "hub_datasets", "daily_changes")
    assert not failures(hub.materialize(*tables, days=(first, last)))
    assert not failures(run(hub, "day_quality", *SERIES, *KINDS, "model_phases"))
    return hub


def smaller(hub: World) -> set[str]:
    """Thin what may be; what became of it."""
    done = thin(hub.lake, retention.trusted_days(hub.lake), today(), Ages(60, None))
    return {one.how for one in done}


def test_nothing_that_is_made_of_days_changes(hub: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = dict(stored(hub))
    monkeypatch.setattr(retention, "gives_back", lambda *_: "not today")
    assert smaller(hub) == {THINNED}
    monkeypatch.undo()
    refreshed(hub)
    thinned, results = dict(stored(hub)), checked(hub)
    day = old(hub.lake)[-1]
    pages = shown(LakeReader(hub.root), day)
    assert smaller(hub) == {EMPTIED}
    assert smaller(hub) == set()
    assert all(hub.lake.read(name, one).emptied for name in KEPT for one in old(hub.lake))
    refreshed(hub)
    emptied = dict(stored(hub))
    assert whole.keys() == thinned.keys() == emptied.keys()
    for key, frame in whole.items():
        assert frame.equals(thinned[key]), key
        assert frame.equals(emptied[key]), key
    assert checked(hub) == results
    assert shown(LakeReader(hub.root), day) == pages
    # The same from an index.
    folders.make(OldDays(hub.lake).read("models", day))
    indexes = Indexes(fewest=1)
    reader = LakeReader(hub.root, indexes)
    assert indexes.of(hub.lake, hub.lake.read("models", day)) is not None
    assert shown(reader, day) == pages
    assert stale_days(hub.lake) == []
