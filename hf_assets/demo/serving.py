"""The embedded services of a command line: the Hub with its past, questions, and datasets."""

import argparse
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from starlette.applications import Starlette

from hf_assets.demo import past
from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.labels import kaggle, stackexchange
from hf_assets.demo.labels.question_sources import GeneratedQuestions, RecordedQuestions
from hf_assets.demo.labels.stackexchange import QuestionFaults
from hf_assets.demo.labels.texts import GeneratedTexts
from hf_assets.demo.options import generated
from hf_assets.demo.past import Past
from hf_assets.demo.record import DemoRecord
from hf_assets.demo.running import NEWLY_LISTED, SITE, Services, embedded, questions_from
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.recorded import RecordedHub

# The generated Hub has its sizes on this day, and is one and the same whenever it is started.
SIZED_ON = date(2026, 11, 1)


@contextmanager
def serving(options: argparse.Namespace, before: Past, record: DemoRecord) -> Generator[Services]:
    """The embedded services; the Hub has generated rows, or those of a file that is named.

    Args:
        options: of the command line.
        before: the Hub's past.
        record: what the lake is made of.

    Raises:
        OSError: a file that an option names cannot be read, or the port is taken.
        ValueError: an option is wrong.
    """
    apps = (
        _app(options, before),
        _questions(options, record.texts_from),
        _datasets(options, before, record.begun),
    )
    with embedded(*apps, port=options.port) as services:
        yield services


def _app(options: argparse.Namespace, before: Past) -> Starlette:
    archive = None
    if generated(options):
        datasets = None if options.hub_datasets is None else int(options.hub_datasets)
        source = GeneratedHub(
            *(int(options.models), int(options.spaces), options.seed),
            datasets=datasets,
            sized_on=SIZED_ON,
        )
        archive = past.archive(source, before, options.archive_faults)
    else:
        given = (options.models, options.spaces, options.hub_datasets)
        files = [None if one is None or one.isdigit() else Path(one) for one in given]
        source = RecordedHub(*files)
    return create_app(
        source,
        Faults.parse(options.faults),
        rate_limit=options.rate_limit,
        latency=options.latency,
        archive=archive,
    )


def _questions(options: argparse.Namespace, texts_from: str) -> Starlette:
    recorded, dumped = options.recorded_questions, getattr(options, "questions", 0)
    source = (
        RecordedQuestions(recorded)
        if recorded
        else GeneratedQuestions(site=SITE, texts=questions_from(texts_from, dumped))
    )
    return stackexchange.create_app(source, QuestionFaults.parse(options.question_faults))


def _datasets(options: argparse.Namespace, before: Past, begun: str) -> Starlette:
    """Kaggle, which lists some more datasets each day."""
    days = (before.day - date.fromisoformat(begun)).days + 1
    faults = kaggle.read_faults(options.dataset_faults)
    count = options.datasets + NEWLY_LISTED * days
    return kaggle.create_app(GeneratedTexts("datasets"), count, faults)
