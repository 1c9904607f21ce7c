"""The demo's steps: which parts of them are run again, and what follows from that."""

import datetime as dt
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pytest

from hf_assets.demo.past import Past
from hf_assets.demo.plan import DAILY, FOLDERS, OVER_DAYS, plan
from hf_assets.demo.record import DemoRecord
from hf_assets.demo.steps import BASE_MODEL, Step, hub_steps, label_steps
from hf_assets.runner.process import CAPTURE_TODAY, PAST_DAYS

TODAY = dt.date(2026, 11, 20)
HALVES = {"hub": {"seed": 0}, "labels": {"questions": 9}}


class Demo:
    """A lake whose steps store a file a unit, and no process is run."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.changes = 0
        self.taken: list[Path] = []

    def run(self, day: dt.date = TODAY, days: int = 3, most: int | None = None) -> list[str]:
        """The commands of a run, shortened, in order; each stores its units.

        Args:
            day: today.
            days: past days.
            most: commands after which the run is cut off.
        """
        ready = plan(self.data, day, days, HALVES)
        ready.begin()
        steps = chain(*(of(ready.past, ready.record) for of in (hub_steps, label_steps)))
        return list(islice(self._executed(steps, ready.record), most))

    def _executed(self, steps: Iterator[Step], record: DemoRecord) -> Iterator[str]:
        for step in steps:
            missing = step.missing(record, self.data)
            if not missing:
                continue
            step.drop_changed_captures(record, self.data)
            step.drop_later(self.data)
            if step.later:
                self.taken = sorted(self.data.glob("new_questions/*"))
            command = step.command(missing[0], missing[-1])
            for unit in (unit for part in missing for unit in step.parts[part]):
                self.store(unit)
            step.note(record, self.data, missing)
            record.save(self.data)
            yield _short(command)

    def store(self, unit: str) -> None:
        path = self.data / unit / "data"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.changes += 1
        path.write_text("x" * self.changes)


def _short(command: list[str]) -> str:
    words = dict(zip(command[6::2], command[7::2], strict=False))
    what = words.get("--job") or words.get("--assets", "")
    return f"{what[:13]} {words.get('--partition') or words.get('--partition-range')}"


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path / "data")


PAST = f"{PAST_DAYS} 2026-11-17...2026-11-19"
DAY = f"{CAPTURE_TODAY} 2026-11-20"
QUESTIONS = "new_questions 2026-11-17...2026-11-19"
TEXTS = 'key:"question 2026-11-20'
CAME = 'key:"new_ques 2026-11-20'
CHAIN = f'key:"question {BASE_MODEL}'
LABELS = [TEXTS, CHAIN, QUESTIONS, CAME]
PREDICTOR = 'key:"day_qual None'


def test_a_second_run_runs_nothing(demo: Demo) -> None:
    assert demo.run() == [PAST, PREDICTOR, DAY, *LABELS]
    assert demo.run() == []
    assert demo.run(days=0) == []


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 6])
def test_a_run_that_was_cut_off_goes_on(demo: Demo, most: int) -> None:
    assert demo.run(most=most) + demo.run() == [PAST, PREDICTOR, DAY, *LABELS]
    assert demo.run() == []


def test_questions_of_the_last_days_come_after_the_corpus(demo: Demo) -> None:
    demo.run(days=0)
    ran = demo.run(TODAY + dt.timedelta(9), days=9)
    assert [line for line in ran if line.startswith("new_questions")] == [
        "new_questions 2026-11-20...2026-11-21",
        "new_questions 2026-11-22...2026-11-28",
    ]
    assert [path.name for path in demo.taken] == ["day=2026-11-20", "day=2026-11-21"]
    assert ran[-5:-3] == ["new_questions 2026-11-20...2026-11-21", 'key:"question 2026-11-29']
    # One that the corpus has taken builds it again; one that came later changes the drift alone.
    for gone, what in (("20", 'key:"question 2026-11-29'), ("22", 'key:"new_ques 2026-11-29')):
        (demo.data / f"new_questions/day=2026-11-{gone}" / "data").unlink()
        assert demo.run(TODAY + dt.timedelta(9))[1] == what


def test_without_past_days_there_are_four_runs(demo: Demo) -> None:
    assert demo.run(days=0) == [DAY, TEXTS, CHAIN, CAME]
    assert demo.run(days=0) == []


def test_a_new_day_builds_that_day_and_what_depends_on_it(demo: Demo) -> None:
    demo.run()
    assert demo.run(TODAY + dt.timedelta(1)) == [
        f"{CAPTURE_TODAY} 2026-11-21",
        'key:"question 2026-11-21',
        CHAIN,
        # The corpus takes none of them: they come after it again.
        "new_questions 2026-11-17...2026-11-20",
        'key:"new_ques 2026-11-21',
    ]


def test_days_that_nobody_ran_are_filled(demo: Demo) -> None:
    demo.run()
    ran = demo.run(TODAY + dt.timedelta(3))
    assert ran[:2] == [f"{PAST_DAYS} 2026-11-21...2026-11-22", f"{CAPTURE_TODAY} 2026-11-23"]


def test_more_past_days_are_added(demo: Demo) -> None:
    demo.run()
    assert demo.run(days=5) == [f"{PAST_DAYS} 2026-11-15...2026-11-16", PREDICTOR, DAY]


@pytest.mark.parametrize(
    ("gone", "runs"),
    [
        ("models/day=2026-11-18", [f"{PAST_DAYS} 2026-11-18...2026-11-18", PREDICTOR, DAY]),
        ("raw_models/day=2026-11-17", [f"{PAST_DAYS} 2026-11-17...2026-11-17", PREDICTOR, DAY]),
        ("models/day=2026-11-20", [DAY]),
        ("lifecycle", [DAY]),
        ("trend_figures", [DAY]),
        ("corpora/hub_models", [PREDICTOR, DAY]),
        ("predicted_categories/day=2026-11-20", [DAY]),
        ("new_questions/day=2026-11-18", ["new_questions 2026-11-18...2026-11-18", CAME]),
        ("corpora/questions", [TEXTS, CHAIN, QUESTIONS, CAME]),
        ("classifiers/questions/leaderboard", [CHAIN, CAME]),
        ("classifiers/questions/drift", [CAME]),
    ],
)
def test_a_file_that_is_gone_or_changed_is_built_again_with_what_follows(
    demo: Demo, gone: str, runs: list[str]
) -> None:
    demo.run()
    (demo.data / gone / "data").unlink()
    assert demo.run() == runs
    demo.store(gone)
    assert demo.run() == runs
    assert demo.run() == []


def test_other_code_runs_everything_and_keeps_the_captures(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.run()
    monkeypatch.setattr("hf_assets.demo.steps.of_code", lambda: "another")
    dropped: list[Path] = []
    monkeypatch.setattr("hf_assets.demo.steps.remove_folder", dropped.append)
    assert len(demo.run()) == 7
    # Questions that come after the corpus are asked for again; no page of the Hub is.
    assert {path.parent.name for path in dropped} == {"new_questions"}


def test_a_capture_whose_files_changed_is_no_longer_trusted(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.run()
    changed = demo.data / "raw_models" / "day=2026-11-18"
    (changed / "data").write_text("other rows")
    dropped: list[Path] = []
    monkeypatch.setattr("hf_assets.demo.steps.remove_folder", dropped.append)
    demo.run()
    assert dropped == [changed]


def test_what_a_run_leaves_out_is_asked_for_again_but_for_past_days(demo: Demo) -> None:
    record = DemoRecord(
        begun="2026-11-20",
        first_day="2026-11-19",
        texts_from="2026-11-19",
        halves={"hub": {}, "labels": {}},
    )
    past, predictor, today = hub_steps(Past(TODAY, 1), record)
    for step in (past, predictor, today):
        step.note(record, demo.data, list(step.parts))
    assert past.missing(record, demo.data) == []
    assert today.missing(record, demo.data) == ["2026-11-20"]


def test_folders_are_those_of_the_graph() -> None:
    """An asset that the graph gains must be checked, and removed, with the others."""
    import dagster as dg

    from hf_assets.definitions import defs

    graph = defs().resolve_asset_graph()
    halves: dict[str, set[str]] = {"hub": set(), "labels": set()}
    for key in graph.materializable_asset_keys:
        group = graph.get(key).group_name
        half = "hub" if group.split("/")[0] in ("hub", "trends", "publishing") else "labels"
        halves[half].add(key.path[0] if len(key.path) == 1 else group.split("/")[0])
    assert halves["hub"] == set(FOLDERS["hub"])
    assert halves["labels"] | {"inputs"} == set(FOLDERS["labels"])
    daily = {
        key.path[0]
        for key in graph.materializable_asset_keys
        if isinstance(graph.get(key).partitions_def, dg.DailyPartitionsDefinition)
    }
    assert {*DAILY, "predicted_categories"} == daily & halves["hub"]
    assert not daily & set(OVER_DAYS)
