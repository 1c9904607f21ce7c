"""The whole graph against the embedded services: where it keeps things, and how it is run."""

import os
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from starlette.applications import Starlette

from hf_assets.demo.fingerprints import of_stored
from hf_assets.demo.labels import kaggle
from hf_assets.demo.labels.dump import write_dump
from hf_assets.demo.labels.meta_kaggle import write_tables
from hf_assets.demo.labels.texts import GeneratedTexts
from hf_assets.demo.plan import LOG, Plan
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.steps import Step
from hf_assets.demo.summary import near
from hf_assets.runner import progress
from hf_assets.runner.home import write_home

SITE = "generated"
# Datasets that Kaggle's list gains each day, from the first day of the demo on.
NEWLY_LISTED = 40
# So many a day, on so many of the topics, with this seed: every label is in train and test.
QUESTIONS_A_DAY, QUESTION_TOPICS, QUESTION_SEED = 4, 16, 14


@dataclass(frozen=True)
class Services:
    """The addresses of the embedded services, and whether the Hub has its past."""

    hub: str
    stackexchange: str
    kaggle: str
    archive: bool = True

    @property
    def variables(self) -> dict[str, str]:
        """What points the graph at them."""
        return {
            "HF_ENDPOINT": self.hub,
            "HF_ASSETS_INFERENCE_ROUTER": self.hub,
            **({} if self.archive else {"HF_ASSETS_ARCHIVE": "none"}),
            "HF_ASSETS_STACKEXCHANGE_ENDPOINT": self.stackexchange,
            "HF_ASSETS_STACKEXCHANGE_SITE": SITE,
            "HF_ASSETS_KAGGLE_ENDPOINT": self.kaggle,
            "KAGGLE_API_TOKEN": kaggle.TOKEN,
            # Their own servers on loopback have no terms.
            "HF_ASSETS_ACCEPT_STACKEXCHANGE_TERMS": "true",
            "HF_ASSETS_ACCEPT_KAGGLE_TERMS": "true",
        }


@contextmanager
def embedded(
    hub: Starlette, questions: Starlette, datasets: Starlette, port: int = 0
) -> Generator[Services]:
    """The three services on loopback while the block runs; the Hub on that port, 0 for any."""
    with ExitStack() as servers:
        urls = [
            servers.enter_context(LoopbackServer(app, wanted)).url
            for app, wanted in ((hub, port), (questions, 0), (datasets, 0))
        ]
        yield Services(*urls, archive=hub.state.archive is not None)


def environment(data: Path, services: Services, first_day: str) -> dict[str, str]:
    """What a run against the embedded services has: everything under `data`, no one's secrets.

    Args:
        data: root of the lake.
        services: that are running.
        first_day: the first partition.
    """
    home = write_home(data / "dagster_home")
    clean = {
        name: value
        for name, value in os.environ.items()
        if name != "HF_TOKEN" and not name.startswith(("KAGGLE_", "HF_ASSETS_"))
    }
    return clean | services.variables | {
        "DAGSTER_HOME": str(home),
        "HF_ASSETS_DATA": str(data),
        "HF_ASSETS_FIRST_DAY": first_day,
        "HF_ASSETS_QUESTION_DUMP": str(dump_of(data)),
        "HF_ASSETS_META_KAGGLE": str(tables_of(data)),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "HF_HOME": str(data / "hf_home"),
        "KAGGLE_CONFIG_DIR": str(data / "kaggle_home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    }  # fmt: skip


def dump_of(data: Path) -> Path:
    """Where the demo's question dump lies."""
    return data / "inputs" / "Posts.xml"


def tables_of(data: Path) -> Path:
    """Where the demo's Meta Kaggle lies."""
    return data / "inputs" / "meta_kaggle"


def questions_from(day: str, dumped: int) -> GeneratedTexts:
    """The demo's questions: the same ones whenever it begins, and so the same scores.

    Args:
        day: the first day whose questions are not in the dump.
        dumped: how many the dump has, of the days before.
    """
    first = datetime.fromisoformat(day).replace(tzinfo=UTC)
    days = timedelta(-(-dumped // QUESTIONS_A_DAY))
    return GeneratedTexts(
        "questions", QUESTION_SEED, QUESTIONS_A_DAY, origin=first - days, topics=QUESTION_TOPICS
    )


def write_inputs(
    data: Path, day: str, questions: int, datasets: int, texts: GeneratedTexts | None = None
) -> None:
    """The dumps: questions up to the day before, and Kaggle's datasets.

    Args:
        data: root of the lake.
        day: the first day that the dump of questions lacks.
        questions: how many it has.
        datasets: how many Kaggle's has.
        texts: the questions, as the embedded API serves them.
    """
    until = date.fromisoformat(day) - timedelta(days=1)
    dump_of(data).parent.mkdir(parents=True, exist_ok=True)
    write_dump(dump_of(data), questions, until=until, texts=texts)
    write_tables(tables_of(data), datasets)


@dataclass
class Runs:
    """The runs of one call of the demo.

    Args:
        ready: the plan.
        environ: of each run.
        reused: by title, whether all of a step still stood.
        begun: a run was started; the log of an earlier call is gone.
    """

    ready: Plan
    environ: Mapping[str, str]
    reused: dict[str, bool] = field(default_factory=dict)
    begun: bool = False

    def all(self, steps: Iterable[Step]) -> int:
        """Run what does not stand, in order; returns the first exit status that is not 0."""
        for step in steps:
            missing = step.missing(self.ready.record, self.ready.data)
            self.reused[step.title] = not missing
            if not missing:
                print(f"  {step.title}: reused", flush=True)
            elif status := self.build(step, missing):
                return status
        return 0

    def build(self, step: Step, parts: Sequence[str]) -> int:
        """Run a step for some of its parts, and record what it stored; returns the exit status."""
        record, data = self.ready.record, self.ready.data
        log, count = data / LOG, len(step.parts)
        if not self.begun:
            log.write_bytes(b"")
            self.begun = True
        step.drop_changed_captures(record, data)
        step.drop_later(data)
        standing = record.standing(data)
        title = step.title if len(parts) == count else f"{step.title}: {len(parts)} of {count}"
        command, days = step.command(parts[0], parts[-1]), parts if step.past_days else ()
        if status := progress.run(title, command, self.environ, log, data, days, step.today):
            print(f"The run failed; the end of {near(log)}:\n", file=sys.stderr)
            print("\n".join(log.read_text("utf-8", "replace").splitlines()[-30:]), file=sys.stderr)
            return status
        # A run may compare a later day again, whose baseline day it has built. What was removed
        # meanwhile is missing, not empty.
        there = {
            unit: inputs
            for unit, inputs in standing.items()
            if not record.units[unit].content or of_stored(data / unit)
        }
        record.note(data, there)
        step.note(record, data, parts)
        record.save(data)
        return 0
