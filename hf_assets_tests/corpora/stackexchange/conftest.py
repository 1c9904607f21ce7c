"""Dumps of a few posts and of many."""

from datetime import date
from pathlib import Path

import pytest

from hf_assets.demo.labels.dump import write_dump
from hf_assets.demo.labels.question_sources import (
    GeneratedQuestions,
    QuestionSource,
)
from hf_assets.demo.labels.stackexchange import QuestionFaults, create_app
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.corpora.dumps import HEAD, TAIL
from hf_assets_tests.support.corpora.stackexchange import ServeQuestions, Service
from hf_assets_tests.support.waits import FakeTime


@pytest.fixture
def posts(tmp_path: Path):
    """Writes a Posts.xml of these rows."""

    def write(*rows: str, head: str = HEAD, tail: str = TAIL, encoding: str = "utf-8") -> Path:
        path = tmp_path / "Posts.xml"
        path.write_bytes((head + "".join(rows) + tail).encode(encoding))
        return path

    return write


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A generated Posts.xml of 1500 questions."""
    path = tmp_path_factory.mktemp("dump") / "Posts.xml"
    write_dump(path, 1500, until=date(2026, 11, 19))
    return path.read_bytes()


@pytest.fixture
def dump(tmp_path: Path, written: bytes) -> Path:
    path = tmp_path / "plain.xml"
    path.write_bytes(written)
    return path


@pytest.fixture
def served(serve: Serve) -> ServeQuestions:
    def start(source: QuestionSource | None = None, faults: str = "") -> Service:
        time, found = FakeTime(), QuestionFaults.parse(faults)
        app = create_app(source or GeneratedQuestions(), found, clock=time.clock)
        return Service(serve(app).url, time, found, app.state.requests)

    return start
