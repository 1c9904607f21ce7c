"""Before a demo's run: what of its lake can be reused, and what must go first."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from secrets import token_hex
from typing import Any

from hf_assets.demo.past import Past
from hf_assets.demo.record import DemoRecord, OddDays, read_demo
from hf_assets.errors import InputError
from hf_assets.hub.capture_store.store import RAW, CaptureStore
from hf_assets.runner.parts import TABLES
from hf_assets.storage.folders import remove_folder
from hf_assets.storage.lake import Lake
from hf_assets.storage.locks import BusyError, exclusive

# Assets of the Hub's half that have days, and those that are made over all days.
# Of today alone: their source has no past.
CODE = ("raw_space_trees", "space_code", "space_code_figures")
PRESENT_ONLY = ("raw_inference_providers", "inference_providers", *CODE)
HUB_TABLES = (*TABLES, "hub_datasets")
DAILY = (*RAW, *HUB_TABLES, *PRESENT_ONLY, "snapshot_figures")
OVER_DAYS = (
    *("day_quality", "category_history", "library_history", "license_history", "author_history"),
    "family_history",
    *("model_history", "model_phases", "space_usage_history", "concentration_history"),
    *("prediction_history", "adoption_history", "lifecycle", "trend_figures", "insights_report"),
    *("provider_history", "provider_figures"),
    *("dataset_history", "dataset_group_history", "used_by_history"),
    *("model_days", "dataset_days", "space_days"),
)
TEXTS = ("question_dump", "new_questions", "dataset_dump", "new_datasets")
# Folders of the lake by half of the graph.
PREDICTED = "predicted_categories"
# Off in the demo: nothing is published.
PUBLISHED = "published_lake"
FOLDERS = {
    "hub": (*DAILY, *OVER_DAYS, PREDICTED, PUBLISHED),
    "labels": (*TEXTS, "corpora", "classifiers", "inputs"),
}
HOME = "dagster_home"
# In Dagster's home: gone with it.
_MARK = ".demo"
LOG = "demo.log"


class NotADemo(InputError):
    """A lake that no demo began."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"{data} holds tables that no demo built, and a demo would mix with them: choose "
            "another folder with --data"
        )


@dataclass(frozen=True)
class Plan:
    """What a run of the demo begins with.

    Args:
        data: root of the lake.
        record: what the lake is made of, without what goes.
        past: the days before today.
        remove: halves of the graph whose folders go.
        history: Dagster's history goes, too.
        reason: why, a sentence; empty where nothing goes.
    """

    data: Path
    record: DemoRecord
    past: Past
    remove: tuple[str, ...] = ()
    history: bool = False
    reason: str = ""

    def begin(self) -> None:
        """Remove what must go, and write the record.

        Raises:
            InputError: the UI shows the history that must go.
        """
        if self.history and (self.data / HOME).exists():
            with in_ui(self.data):
                remove_folder(self.data / HOME)
        for name in (name for half in self.remove for name in FOLDERS[half]):
            remove_folder(self.data / name)
        mark = self.data / HOME / _MARK
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(self.record.home)
        (self.data / LOG).touch()
        self.record.save(self.data)


def alone(data: Path) -> AbstractContextManager[None]:
    """Held by a run: two over one lake would undo each other's work. InputError: another has it."""
    return _held(data / ".demo.lock", f"another run builds the demo in {data}: wait for it")


def in_ui(data: Path) -> AbstractContextManager[None]:
    """Held by the UI, and by a run that removes its history. InputError: another has it."""
    return _held(data / ".ui.lock", f"the UI shows the demo in {data}: stop it first (Ctrl-C)")


@contextmanager
def _held(path: Path, refusal: str) -> Generator[None]:
    with ExitStack() as lock:
        try:
            lock.enter_context(exclusive(path, refusal, wait=0))
        except BusyError:
            raise InputError(refusal) from None
        yield


def stored_plan(data: Path, day: date) -> Plan | None:
    """The demo that a lake holds, whoever built it; None where there is none. Changes nothing.

    Args:
        data: root of the lake.
        day: today.
    """
    record = read_demo(data)
    if record is None and (data / LOG).is_file():
        # An earlier version kept no record.
        stored = CaptureStore(Lake(data), RAW[0]).days()
        first = min([*stored, f"{day}"])
        record = DemoRecord(begun=f"{day}", first_day=first, texts_from=f"{day}")
    if record is None:
        return None
    days = (day - date.fromisoformat(record.first_day)).days
    return Plan(data, record, Past(day, days, record.odd_days))


def plan(
    data: Path, day: date, days: int, halves: Mapping[str, dict[str, Any]], *, fresh: bool = False
) -> Plan:
    """The plan of a run; changes nothing.

    The past keeps its beginning and its odd days when a demo is run again later. A half of the
    graph that was built from other inputs is removed; one that is not asked for stays.

    Args:
        data: root of the lake.
        day: today.
        days: how many past days are asked for, at least.
        halves: the inputs of each half of the graph that is to be built, by name.
        fresh: reuse nothing.

    Raises:
        NotADemo: the lake has tables, and no demo built it.
        ValueError: the archive does not go back as far.
    """
    begins = Past(day, days)
    record = read_demo(data)
    if record is None and not (data / LOG).is_file() and _has_tables(data):
        raise NotADemo(data)
    if record is None or fresh:
        reason = "" if record is None else "--fresh: everything is built again."
        if record is None and (data / LOG).is_file():
            reason = "Built by a version that kept no record: everything is built again."
        return _from_nothing(data, begins, halves, reason)
    first = min(record.first_day, begins.first_day)
    past = Past(day, (day - date.fromisoformat(first)).days, record.odd_days)
    changed = {half: _changes(record.halves.get(half), halves[half]) for half in halves}
    if "hub" in halves and begins.odd_days != OddDays() == record.odd_days:
        # A short past has none, and its days are stored.
        changed["hub"] = changed["hub"] or ["--days"]
    remove = tuple(half for half in record.halves if changed.get(half))
    because = _because(name for half in remove for name in changed[half])
    if remove and len(remove) == len(record.halves):
        return _from_nothing(data, begins, halves, because)
    if "hub" in remove or "hub" not in record.halves:
        past = Past(day, past.days)
    kept_texts = "labels" in record.halves and "labels" not in remove
    history = _home(data) != record.home
    kept = DemoRecord(
        begun=record.begun,
        first_day=first,
        texts_from=record.texts_from if kept_texts else first,
        odd_days=past.odd_days,
        halves=record.halves | dict(halves),
        home=token_hex(8) if history else record.home,
        # Without its history, a unit would be missing in the UI.
        units={} if history else dict(record.units),
    )
    kept.forget(name for half in remove for name in FOLDERS[half])
    if history and not remove:
        because = "Dagster's history is gone: everything is run again."
    return Plan(data, kept, past, remove, reason=because)


def _from_nothing(
    data: Path, past: Past, halves: Mapping[str, dict[str, Any]], reason: str
) -> Plan:
    record = DemoRecord(
        begun=f"{past.day}",
        first_day=past.first_day,
        texts_from=past.first_day,
        odd_days=past.odd_days,
        halves=dict(halves),
        home=token_hex(8),
    )
    return Plan(data, record, past, tuple(FOLDERS), history=True, reason=reason)


def _changes(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[str]:
    """The inputs that differ, as a person names them."""
    if before is None:
        return []
    return [
        "the version of the demo" if name == "services" else f"--{name.replace('_', '-')}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def _because(names: Iterable[str]) -> str:
    changed = ", ".join(sorted({*names}))
    return f"Not the same as last time: {changed}. That half is built again." if changed else ""


def _home(data: Path) -> str:
    try:
        return (data / HOME / _MARK).read_text()
    except FileNotFoundError:
        return ""


def _has_tables(data: Path) -> bool:
    names = {name for half in FOLDERS.values() for name in half} - {"inputs"}
    return any((data / name).exists() for name in names)
