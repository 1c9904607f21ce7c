"""Every day given back, hash by hash, whatever happened to the lake: random lakes."""

import tempfile
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hf_assets.hub.repository_days import rebuilding
from hf_assets.hub.repository_days.old_days import gives_back, read_day
from hf_assets.hub.repository_days.reading import day_of, days_in, history_of
from hf_assets.hub.repository_days.refresh import refresh
from hf_assets.hub.repository_days.schemas import KINDS, Kind
from hf_assets.storage.lake import Lake
from hf_assets_tests.hub.repository_days.lake_of_days import created, empty, judge, write_day

pytestmark = pytest.mark.usefixtures("unsynced")
DAYS = ("2026-01-02", "2026-01-03", "2026-01-31", "2026-02-01", "2026-02-03")
IDENTITIES = (*(f"{n:08x}{'0' * 16}" for n in (1704067200, 1704153600)), "x", None, None)

COUNTERS = st.none() | st.sampled_from([0, 1, 7, 2**62, -(2**62)])
TEXTS = st.none() | st.sampled_from(["", "a", "text-generation"])
FLAGS = st.none() | st.booleans()
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "downloads": COUNTERS,
    "downloads_all_time": COUNTERS,
    "likes": COUNTERS,
    "trending_score": st.none() | st.sampled_from([0.0, -0.0, 0.1, float("nan"), float("inf")]),
    "category": TEXTS,
    "size_category": TEXTS,
    "gated": TEXTS,
    "sdk": TEXTS,
    "private": FLAGS,
    "floor_dated": FLAGS,
    "n_models": st.none() | st.integers(0, 2),
    "created_at": st.none() | st.sampled_from([created(0), created(24), created(1)]),
    "task_categories": st.none() | st.lists(TEXTS, max_size=2),
}
# A repository's place in IDENTITIES; a name, so that it is renamed now and then; its values.
ROW = st.tuples(
    st.integers(0, len(IDENTITIES) - 1), st.sampled_from("ab"), st.fixed_dictionaries(VALUES)
)
STEP = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(DAYS), st.lists(ROW, max_size=4)),
    st.tuples(st.just("empty"), st.sampled_from(DAYS)),
    st.tuples(st.just("withdraw"), st.sampled_from(DAYS)),
    st.tuples(st.just("lose"), st.sampled_from(DAYS)),
    st.tuples(st.just("let_go"), st.sampled_from(DAYS)),
    st.tuples(st.just("judge"), st.sets(st.sampled_from(DAYS))),
    st.tuples(st.just("rebuild")),
    st.tuples(st.just("other rules")),
)


class _Days:
    """A lake, and what each of its days has to be."""

    def __init__(self, lake: Lake, kind: Kind) -> None:
        self.lake, self.kind, self.asset = lake, kind, kind.source.name
        self.expected: dict[str, pl.DataFrame] = {}
        # Emptied days whose own file is gone.
        self.lost: set[str] = set()
        self.full = False
        judge(lake, DAYS)

    def write(self, day: str, rows: list[tuple[int, str, dict[str, Any]]]) -> None:
        named = [
            {"hub_id": IDENTITIES[place], "id": f"{name}/{place}", **values}
            for place, name, values in rows
        ]
        write_day(self.lake, day, named, self.kind)
        self.expected.pop(day, None)
        self.lost.discard(day)

    def empty(self, day: str) -> None:
        """Where it can be; repeated identities alone may forbid it."""
        if day not in self.lake.days(self.asset) or day in self.expected:
            return
        if reason := gives_back(self.lake, self.asset, day):
            assert "repeat the identity" in reason
            return
        self.expected[day] = empty(self.lake, day, self.kind)

    def withdraw(self, day: str) -> None:
        if day not in self.expected:
            self._path(day).unlink(missing_ok=True)

    def lose(self, day: str) -> None:
        """The file of an emptied day: no withdrawal."""
        if day in self.expected:
            self._path(day).unlink(missing_ok=True)
            self.lost.add(day)

    def let_go(self, day: str) -> None:
        if day in self.lost:
            refresh(self.lake, self.kind, full_refresh=self.full, withdraw=[day])
            self.lost.remove(day)
            del self.expected[day]

    def _path(self, day: str) -> Any:
        return self.lake.folder(self.asset, day) / "data.parquet"

    def judge(self, untrusted: set[str]) -> None:
        judge(self.lake, DAYS, sorted(untrusted))

    def rebuild(self) -> None:
        self.full = True

    def refreshed(self) -> None:
        """Make the series current, and look at every day."""
        refresh(self.lake, self.kind, full_refresh=self.full)
        self.full = False
        stored = self.lake.days(self.asset)
        facts = days_in(self.lake, self.kind.table.name)
        assert list(facts) == sorted({*stored, *self.lost})
        for day in self.lost:
            rows = day_of(self.lake, self.kind.table.name, day, self.kind.kept[1:])
            assert rows is not None
            assert rows.drop("hub_id").equals(self.expected[day].select(self.kind.kept[1:])), day
        for day in stored:
            reason = gives_back(self.lake, self.asset, day)
            assert (reason is None) == (facts[day].repeated == 0), reason
            if day in self.expected:
                found = read_day(self.lake, self.asset, day).frame.collect()
                assert found.equals(self.expected[day]), day


def _played(lake: Lake, kind: Kind, steps: list[Any], patched: pytest.MonkeyPatch) -> None:
    days = _Days(lake, kind)
    patched.setattr(rebuilding, "ROWS_AT_ONCE", 5)
    for number, (name, *arguments) in enumerate(steps):
        if name == "other rules":
            patched.setattr(rebuilding, "RULES", 100 + number)
        else:
            getattr(days, name)(*arguments)
        days.refreshed()
    for day in lake.days(days.asset):
        days.empty(day)
    days.rebuild()
    days.refreshed()
    for hub_id in IDENTITIES[:3]:
        assert history_of(lake, kind.table.name, str(hub_id), kind.traits)["day"].is_sorted()


@contextmanager
def _a_lake() -> Generator[Lake]:
    with tempfile.TemporaryDirectory() as folder:
        yield Lake(Path(folder))


# Two days in a row first, with repositories in common, so that most steps meet some.
ROWS = st.lists(ROW, min_size=3, max_size=6)
STEPS = st.tuples(ROWS, ROWS, st.lists(STEP, max_size=8)).map(
    lambda drawn: [("write", DAYS[0], drawn[0]), ("write", DAYS[1], drawn[1]), *drawn[2]]
)


@given(steps=STEPS, kind=st.sampled_from(list(KINDS.values())))
@settings(max_examples=4, deadline=None)
def test_every_day_of_a_folder_is_given_back(steps: list[Any], kind: Kind) -> None:
    with _a_lake() as lake, pytest.MonkeyPatch.context() as patched:
        _played(lake, kind, steps, patched)


@pytest.mark.heavy
@given(steps=STEPS, kind=st.sampled_from(list(KINDS.values())))
@settings(max_examples=25, deadline=None)
def test_every_day_of_many_folders_is_given_back(steps: list[Any], kind: Kind) -> None:
    with _a_lake() as lake, pytest.MonkeyPatch.context() as patched:
        _played(lake, kind, steps, patched)


@pytest.mark.heavy
@given(steps=STEPS, kind=st.sampled_from(list(KINDS.values())))
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_day_of_a_store_is_given_back(bucket: Any, steps: list[Any], kind: Kind) -> None:
    lake = Lake(bucket / uuid.uuid4().hex)
    with pytest.MonkeyPatch.context() as patched:
        _played(lake, kind, steps, patched)
