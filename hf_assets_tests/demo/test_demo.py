"""A whole demo, small: what fails in it, what a second run does, and a backfill of its past."""

import re
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from hf_assets.demo.record import read_demo
from hf_assets.demo.running import QUESTIONS_A_DAY
from hf_assets.hub.capture_store.store import RAW
from hf_assets.runner.parts import TABLES
from hf_assets.storage.lake import today
from hf_assets_tests.demo.test_cli import demo

SMALL = (
    *("--models", "1500", "--spaces", "500", "--days", "20"),
    *("--questions", "360"),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole") / "data"


@pytest.fixture(scope="module")
def said(data: Path) -> str:
    """What the terminal shows of the first run."""
    done = demo("run", "--data", str(data), *SMALL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def evaluations(data: Path) -> dict[str, list[bool]]:
    """By check, whether it passed, in every run of the instance."""
    found: dict[str, list[bool]] = {}
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    with dg.DagsterInstance.from_config(str(data / "dagster_home")) as instance:
        for record in instance.get_run_records():
            assert record.dagster_run.is_success
            for entry in instance.all_logs(record.dagster_run.run_id, of_type=kind):
                assert entry.dagster_event
                result = entry.dagster_event.asset_check_evaluation_data
                name = f"{result.asset_key.to_user_string()}: {result.check_name}"
                found.setdefault(name, []).append(result.passed)
    return found


def runs(data: Path) -> int:
    with dg.DagsterInstance.from_config(str(data / "dagster_home")) as instance:
        return instance.get_runs_count()


def stored(data: Path, asset: str) -> set[str]:
    with dg.DagsterInstance.from_config(str(data / "dagster_home")) as instance:
        return instance.get_materialized_partitions(dg.AssetKey(asset))


@pytest.mark.release
@pytest.mark.heavy
def test_only_the_checks_that_the_summary_names_fail(said: str, data: Path) -> None:
    checks = evaluations(data)
    assert len(checks) > 40
    named = set(re.findall(r"^  (\S+: \S+)  +\S", said.partition("On purpose")[2], re.M))
    assert {check for check, passed in checks.items() if not all(passed)} == named
    assert "daily_changes: not_stalled" in named


@pytest.mark.release
@pytest.mark.heavy
def test_every_partition_is_stored(said: str, data: Path) -> None:
    record = read_demo(data)
    assert record is not None
    first, last = date.fromisoformat(record.first_day), date.fromisoformat(today())
    days = {f"{first + timedelta(number)}" for number in range((last - first).days + 1)}
    assert len(days) == 21
    for asset in (*RAW, *TABLES, "new_questions"):
        assert stored(data, asset) == days, asset
    for day in (*record.odd_days.stalled, *record.odd_days.rolled_back):
        assert day in said


@pytest.mark.release
@pytest.mark.heavy
def test_the_drift_has_the_questions_of_the_last_week(said: str, data: Path) -> None:
    key = dg.AssetKey(["questions", "drift"])
    with dg.DagsterInstance.from_config(str(data / "dagster_home")) as instance:
        event = instance.get_latest_materialization_event(key)
    assert event is not None
    assert event.asset_materialization is not None
    found = {name: one.value for name, one in event.asset_materialization.metadata.items()}
    # Those of seven days before today, and of today until now; some have no label or no text.
    least, most = 5 * QUESTIONS_A_DAY, 8 * QUESTIONS_A_DAY
    texts = int(str(found["texts since the corpus was built"]))
    assert least <= texts <= most
    # On a Monday today's, of which there may be none yet, are alone in their week.
    monday = date.fromisoformat(today()).weekday() == 0
    assert found["weeks"] == found["dagster/row_count"]
    assert found["weeks"] in ((1, 2) if monday else (2,))
    for name in ("distance of label shares", "unseen words", "texts without a label"):
        assert 0 <= float(str(found[name])) <= 1
    rows = pl.read_parquet(data / "classifiers" / "questions" / "drift" / "data.parquet")
    assert rows["texts"].sum() == texts
    assert f"{texts} texts since {rows['week'].min()}" in said


@pytest.mark.release
@pytest.mark.heavy
def test_a_second_run_reuses_all_of_it_and_says_so(said: str, data: Path) -> None:
    before = runs(data)
    again = demo("run", "--data", str(data), *SMALL)
    assert again.returncode == 0, again.stderr
    assert "Reused: all of it" in again.stdout
    assert "--fresh" in again.stdout
    assert runs(data) == before == 8
    tail = said.partition("\nasset ")[2].partition("Done in")[0]
    assert tail
    assert tail in again.stdout


@pytest.mark.release
@pytest.mark.heavy
def test_older_days_are_backfilled_and_become_partitions(said: str, data: Path) -> None:
    record = read_demo(data)
    assert record is not None
    assert said
    first = date.fromisoformat(record.first_day)
    older = [f"{first - timedelta(back)}" for back in (2, 1)]
    done = demo("backfill", f"{older[0]}...{older[1]}", "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert "2 of 2 days are stored" in done.stdout
    assert {*older} <= stored(data, "daily_metrics")
    again = read_demo(data)
    assert again is not None
    assert (again.first_day, again.texts_from) == (older[0], record.texts_from)
    # From the same Hub: the options are those of the lake.
    changes = evaluations(data)["daily_changes: same_columns"]
    assert all(changes)
    done = demo("run", "--data", str(data), *SMALL, "--only", "hub")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("  the Hub")]
    assert [line.endswith("reused") for line in lines] == [True, False, False]
