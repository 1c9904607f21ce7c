"""The demo's runs of the graph, in order: what each stores, and what it is made from.

Each starts a process: there are as few as the graph's partitions allow, and none where all that it
would store still stands.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hf_assets.demo.fingerprints import fingerprint, of_code, of_stored
from hf_assets.demo.past import Past
from hf_assets.demo.plan import DAILY, HUB_TABLES, OVER_DAYS, PREDICTED
from hf_assets.demo.record import DemoRecord
from hf_assets.hub.capture_store.store import RAW
from hf_assets.runner import process
from hf_assets.storage.folders import remove_folder

BASE_MODEL = "all-minilm-l6-v2"
# 150 validation texts cannot tell 0.3 points from chance: 2 points may be lost here.
CONFIG = {
    "questions__classifier": {"config": {"strategy": "head"}},
    "questions__quantized_classifier": {"config": {"max_loss": 0.02}},
}
# Days before today whose questions come after the corpus: the drift then has something to show.
WITHHELD = 7


def _keys(*names: str) -> str:
    return " or ".join(f'key:"{name}"' for name in names)


_TEXTS = _keys(
    *("question_dump", "dataset_dump", "new_datasets"),
    *("questions/corpus", "datasets/corpus", "questions/baseline"),
)
_CAME = _keys("new_questions", "questions/drift")
_STEPS = ("baseline", "predictor")
_PREDICTOR = ("corpora/hub_models", *(f"classifiers/hub_models/{name}" for name in _STEPS))
_CHAIN = _keys(*(f"questions/{name}" for name in ("*classifier", "leaderboard", "tagger_space")))
_ARTEFACTS = (
    *(f"{BASE_MODEL}/{step}" for step in ("classifier", "onnx", "quantized")),
    *("leaderboard", "tagger_space"),
)


@dataclass(frozen=True)
class Step:
    """A run of the graph.

    Args:
        title: what it does.
        parts: the inputs of its units, by unit, for each part that a run can build by itself: a
            past day, or all there is.
        launch: what a run builds, for the first and last missing part.
        past_days: the parts are past days.
        today: the day that it captures.
        later: units that come after it; a run would take those of an earlier call.
    """

    title: str
    parts: Mapping[str, Mapping[str, str]]
    launch: Callable[[str, str], process.Launch]
    past_days: bool = False
    today: str = ""
    later: Sequence[str] = ()

    def command(self, first: str, last: str) -> list[str]:
        """The command of a run from the first to the last missing part."""
        return self.launch(first, last).command

    def missing(self, record: DemoRecord, data: Path) -> list[str]:
        """The parts to build: from the first to the last that does not stand."""
        parts = list(self.parts)
        gone = [part for part in parts if not record.stands(data, self.parts[part])]
        return parts[parts.index(gone[0]) : parts.index(gone[-1]) + 1] if gone else []

    def drop_changed_captures(self, record: DemoRecord, data: Path) -> None:
        """Remove captures whose files have changed since: a run keeps the captures that it finds.

        Those of a run that was cut off stay, and are resumed.
        """
        for unit in (unit for units in self.parts.values() for unit in units):
            built = record.units.get(unit)
            raw = unit.split("/")[0] in RAW
            if raw and built and built.content != of_stored(data / unit):
                remove_folder(data / unit)

    def drop_later(self, data: Path) -> None:
        """Remove what comes after this step; the step that stores it runs again."""
        for unit in self.later:
            remove_folder(data / unit)

    def note(self, record: DemoRecord, data: Path, parts: Sequence[str]) -> None:
        """Record those parts as built just now.

        A past day may be empty: the archive lacks it, or it broke off. Any other unit that a run
        left out is asked for again by the next.
        """
        for part in parts:
            units = self.parts[part]
            there = {
                unit: units[unit] for unit in units if self.past_days or of_stored(data / unit)
            }
            record.note(data, there)


def hub_steps(past: Past, record: DemoRecord) -> Iterator[Step]:
    """The Hub's half: the past first, so that today has a day before it.

    What a step is made from is read when its turn comes: ask for it after the step before.
    """
    code, day = of_hub(record), f"{past.day}"
    if past.days:
        yield past_step(past.keys, code, f"the Hub, {_days(past.days)} before today")
    if past.days and {"hub", "labels"} <= record.halves.keys():
        yield _predictor_step(past, record)
    stored = record.contents(unit for key in past.keys for unit in _units(HUB_TABLES, key))
    over = fingerprint(code, day, stored, record.contents(_PREDICTOR))
    today = dict.fromkeys(_units(DAILY, day), code) | dict.fromkeys(OVER_DAYS, over)
    today[f"{PREDICTED}/day={day}"] = over
    title = "the Hub, today; trends over all days" if past.days else "the Hub, today"
    yield Step(
        title,
        {day: today},
        lambda *_: process.Launch(job=process.CAPTURE_TODAY, partition=day),
        today=day,
    )


def _predictor_step(past: Past, record: DemoRecord) -> Step:
    """A predictor of categories from the days before today: the capture of today then predicts.

    It is the linear model: a network would take minutes. A later day keeps it, and its predictions.
    """
    begun = [key for key in past.keys if key < record.begun] or past.keys[:1]
    models = record.contents(f"models/day={key}" for key in begun)
    assets = ("day_quality", *(f"hub_models/{name}" for name in ("corpus", *_STEPS)))
    return Step(
        "the Hub's models as a corpus; TF-IDF, which predicts categories",
        {"": dict.fromkeys(_PREDICTOR, fingerprint(of_code(), models))},
        lambda *_: process.Launch(assets=_keys(*assets)),
    )


def of_hub(record: DemoRecord) -> str:
    """Fingerprint of what a day of the Hub's half is made from."""
    return fingerprint(of_code(), record.halves.get("hub"))


def past_step(days: Sequence[str], code: str, title: str) -> Step:
    """The step that builds past days.

    Args:
        days: partition keys, oldest first.
        code: what they are made from (`of_hub`).
        title: of the step.
    """
    return Step(
        title,
        {day: dict.fromkeys(_units((*RAW, *HUB_TABLES), day), code) for day in days},
        lambda first, last: process.Launch(job=process.PAST_DAYS, days=f"{first}...{last}"),
        past_days=True,
    )


def label_steps(past: Past, record: DemoRecord) -> Iterator[Step]:
    """The half of the labels: texts and corpora, a classifier and what follows; then what came.

    What a step is made from is read when its turn comes: ask for it after the step before.
    """
    code, day = fingerprint(of_code(), record.halves["labels"]), f"{past.day}"
    keys = [key for key in past.keys if key >= record.texts_from]
    taken, withheld = keys[:-WITHHELD], keys[-WITHHELD:]
    if taken:
        yield _questions(taken, code, f"questions of {_days(len(taken))}, which the corpus takes")
    learnt = [*_units(["new_questions"], *taken), *_earlier_datasets(record, day)]
    texts = fingerprint(code, day, record.texts_from, record.contents(learnt))
    units = ("question_dump", "dataset_dump", "corpora/questions", "corpora/datasets",
             "classifiers/questions/baseline", f"new_datasets/day={day}")  # fmt: skip
    yield Step(
        "texts of the dumps, today's datasets; corpora; TF-IDF",
        {day: dict.fromkeys(units, texts)},
        lambda *_: process.Launch(assets=_TEXTS, partition=day),
        later=_units(["new_questions"], *withheld, day),
    )
    chain = fingerprint(code, CONFIG, record.contents(units))
    artefacts = [f"classifiers/questions/{name}" for name in _ARTEFACTS]
    yield Step(
        f"a classifier, its ONNX and int8 ({BASE_MODEL}); leaderboard and tagger",
        {BASE_MODEL: dict.fromkeys(artefacts, chain)},
        lambda *_: process.Launch(
            assets=_CHAIN, partition=BASE_MODEL, config=json.dumps({"ops": CONFIG})
        ),
    )
    if withheld:
        yield _questions(withheld, code, f"questions of the {_days(len(withheld))} before today")
    came = record.contents(_units(["new_questions"], *withheld))
    # A day's questions are fetched again once it is over.
    today = {f"new_questions/day={day}": fingerprint(code, day)}
    learnt = [*units, *artefacts]
    drift = fingerprint(code, day, came, record.contents(learnt))
    yield Step(
        "today's questions; how those that came since the corpus was built drift",
        {day: today | {"classifiers/questions/drift": drift}},
        lambda *_: process.Launch(assets=_CAME, partition=day),
    )


def _questions(days: Sequence[str], code: str, title: str) -> Step:
    """The step that fetches the questions of past days; parameters as of `past_step`."""
    return Step(
        title,
        {key: {f"new_questions/day={key}": code} for key in days},
        lambda first, last: process.Launch(assets="new_questions", days=f"{first}...{last}"),
    )


def _earlier_datasets(record: DemoRecord, day: str) -> list[str]:
    units = (unit for unit in record.units if unit.startswith("new_datasets/day="))
    return sorted(unit for unit in units if not unit.endswith(f"={day}"))


def _units(assets: Sequence[str], *days: str) -> list[str]:
    return [f"{asset}/day={day}" for asset in assets for day in days]


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"
