"""The whole graph against the embedded services: where it keeps things, and its runs in order."""

import json
import os
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from starlette.applications import Starlette

from hf_assets.demo.labels import kaggle
from hf_assets.demo.labels.dump import write_dump
from hf_assets.demo.labels.meta_kaggle import write_tables
from hf_assets.demo.past import Past
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.runner import process, progress
from hf_assets.runner.home import write_home

SITE = "generated"
# Datasets that Kaggle's list has and the dump does not.
NEWLY_LISTED = 40
BASE_MODEL = "all-minilm-l6-v2"


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


def environment(data: Path, services: Services) -> dict[str, str]:
    """What a run against the embedded services has: everything under `data`, no one's secrets."""
    home = write_home(data / "dagster_home")
    clean = {
        name: value
        for name, value in os.environ.items()
        if name != "HF_TOKEN" and not name.startswith(("KAGGLE_", "HF_ASSETS_"))
    }
    return clean | services.variables | {
        "DAGSTER_HOME": str(home),
        "HF_ASSETS_DATA": str(data),
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


def write_inputs(data: Path, day: str, questions: int, datasets: int) -> None:
    """The dumps: questions up to the day before, and Kaggle's datasets."""
    dump_of(data).parent.mkdir(parents=True, exist_ok=True)
    write_dump(dump_of(data), questions, until=date.fromisoformat(day) - timedelta(days=1))
    write_tables(tables_of(data), datasets)


@dataclass(frozen=True)
class Run:
    """One run of the graph: its title, its command, and the past days it makes."""

    title: str
    command: list[str]
    days: Sequence[str] = ()


def hub_runs(past: Past) -> list[Run]:
    """The Hub's half: the past first, so that today has a day before it."""
    today = process.launch(job=process.CAPTURE_TODAY, partition=f"{past.day}")
    if not past.days:
        return [Run("the Hub, today", today)]
    days = process.launch(job=process.PAST_DAYS, days=past.span)
    return [
        Run(f"the Hub, {past.days} days before today", days, past.keys),
        Run("the Hub, today; trends over all days", today),
    ]


def label_runs(day: str) -> list[Run]:
    """The half of the labels, in as few runs as its partitions allow: each starts a process, and
    what has no partition goes along with what has one.
    """
    # 150 validation texts cannot tell 0.3 points from chance: 2 points may be lost here.
    config = {
        "questions__classifier": {"config": {"strategy": "head"}},
        "questions__quantized_classifier": {"config": {"max_loss": 0.02}},
    }
    return [
        Run(
            "texts, today's and the dumps'; corpora; TF-IDF",
            process.launch(assets=_TEXTS, partition=day),
        ),
        Run(
            f"a classifier, its ONNX and int8 ({BASE_MODEL}); leaderboard and tagger",
            process.launch(assets=_CHAIN, partition=BASE_MODEL, config=json.dumps({"ops": config})),
        ),
    ]


_TEXTS = 'group:"corpora/sources" or key:"*/corpus" or key:"questions/baseline"'
_CHAIN = " or ".join(
    f'key:"questions/{name}"' for name in ("*classifier", "leaderboard", "tagger_space")
)


def launch(runs: Sequence[Run], environ: dict[str, str], log: Path) -> int:
    """Execute those runs one after the other; returns the first exit status that is not 0.

    Args:
        runs: in order; standard output tells how far each is.
        environ: of each.
        log: a file for their output, in the lake; emptied first.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    for run in runs:
        if status := progress.run(run.title, run.command, environ, log, log.parent, run.days):
            return status
    return 0
