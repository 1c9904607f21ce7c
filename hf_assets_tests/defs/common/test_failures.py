"""What fails a step: which of it is tried again, and what of it reaches Dagster's event log."""

import errno
import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from huggingface_hub import constants
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hf_assets.defs.common.failures import (
    LONGEST_ERROR,
    Retries,
    cleaned,
    clear_failures,
    disk_full,
)
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.errors import InputError
from hf_assets.hub.client.listing import ListingError
from hf_assets_tests.defs.conftest import Make, failures
from hf_assets_tests.support.full_disk import files_no_longer_than

TOKEN = "hf_" + "tOkEn0" * 6


def step(work: Callable[[Any], None]) -> dg.ExecuteInProcessResult:
    """A run of one step with our policy."""

    @dg.op(retry_policy=Retries(max_retries=2))
    def work_hard(context: dg.OpExecutionContext) -> None:
        work(context)

    @dg.job
    def one_step() -> None:
        work_hard()

    return one_step.execute_in_process(raise_on_error=False)


def kinds(result: dg.ExecuteInProcessResult) -> list[str]:
    wanted = ("STEP_UP_FOR_RETRY", "STEP_FAILURE", "STEP_SUCCESS", "RUN_FAILURE", "RUN_SUCCESS",
              "PIPELINE_FAILURE", "PIPELINE_SUCCESS")  # fmt: skip
    return [event.event_type_value.replace("PIPELINE", "RUN") for event in result.all_events
            if event.event_type_value in wanted]  # fmt: skip


def interrupt() -> None:
    assert threading.current_thread() is threading.main_thread()
    os.kill(os.getpid(), signal.SIGINT)


def test_what_may_pass_is_tried_again() -> None:
    tries: list[int] = []

    def work(context: Any) -> None:
        tries.append(context.retry_number)
        if len(tries) < 3:
            raise RuntimeError("not yet")

    assert kinds(step(work)) == ["STEP_UP_FOR_RETRY"] * 2 + ["STEP_SUCCESS", "RUN_SUCCESS"]
    assert tries == [0, 1, 2]


def test_an_interrupt_is_an_end() -> None:
    def work(context: Any) -> None:
        interrupt()

    assert kinds(step(work)) == ["STEP_FAILURE", "RUN_FAILURE"]


def test_an_interrupt_ends_the_wait_for_another_try() -> None:
    waiting = threading.Event()

    class Heard(Retries):
        def calculate_delay(self, attempt_num: int) -> float:
            waiting.set()
            return super().calculate_delay(attempt_num)

    @dg.op(retry_policy=Heard(max_retries=2, delay=3600))
    def fail() -> None:
        raise RuntimeError("the Hub is down")

    @dg.job
    def one_step() -> None:
        fail()

    def later() -> None:
        assert waiting.wait(60)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=later)
    thread.start()
    result = one_step.execute_in_process(raise_on_error=False)
    thread.join()
    assert kinds(result) == ["STEP_FAILURE", "RUN_FAILURE"]


def write_far(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file that the disk has no room for; SQLite is told so in a way of its own."""
    with files_no_longer_than(1 << 20 if write is insert else 4096):
        write(path)


def frame() -> pl.DataFrame:
    return pl.DataFrame({"number": pl.int_range(100_000, eager=True).shuffle(seed=1)})


def insert(path: Path) -> None:
    with sqlite3.connect(path) as history:
        history.execute("PRAGMA max_page_count = 2")
        history.execute("CREATE TABLE events (text TEXT)")
        history.execute("INSERT INTO events VALUES (?)", ("x" * 100_000,))


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b"x" * 10_000),
        lambda path: frame().write_parquet(path),
        lambda path: frame().write_parquet(path, use_pyarrow=True),
        insert,
    ],
    ids=["bytes", "polars", "pyarrow", "sqlite"],
)
@pytest.mark.parametrize("guarded", [True, False], ids=["in the lake", "elsewhere"])
def test_a_full_disk_is_not_tried_again_and_named(
    tmp_path: Path, write: Callable[[Path], Any], guarded: bool
) -> None:
    def work(context: Any) -> None:
        if guarded:
            with clear_failures():
                write_far(tmp_path / "file", write)
        write_far(tmp_path / "file", write)

    result = step(work)
    assert kinds(result) == ["STEP_FAILURE", "RUN_FAILURE"]
    said = failures(result)["work_hard"]
    assert said.startswith("No space left: ")
    assert "MB free" in said
    assert "Free space there" in said


def test_what_is_full_is_the_file_or_the_places_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "not" / "there"))
    assert str(tmp_path / "not" / "there") in str(disk_full(known))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    unknown = disk_full(pl.exceptions.ComputeError("No space left on device (os error 28)"))
    assert f"Dagster's history, {tmp_path}" in str(unknown)
    assert "temporary files" in str(unknown)
    assert disk_full(OSError(errno.EACCES, "Permission denied")) is None


def test_a_full_disk_is_found_behind_another_error() -> None:
    error = RuntimeError("the figure was not saved")
    error.__cause__ = OSError(errno.EDQUOT, "Disk quota exceeded")
    assert "quota" in str(disk_full(error))


@pytest.mark.heavy
@pytest.mark.parametrize(
    "kind",
    [
        partial(ListingError, permanent=False),
        *(RuntimeError, OSError, dg.Failure, partial(InputError, permanent=False)),
    ],
)
def test_a_full_disk_of_a_server_is_not_ours(kind: Callable[[str], Exception]) -> None:
    foreign = "page 3 failed: HTTP 500 (OSError: [Errno 28] No space left on device (os error 28))"
    assert disk_full(kind(foreign)) is None

    def work(context: Any) -> None:
        with clear_failures():
            raise kind(foreign)

    assert kinds(step(work)).count("STEP_UP_FOR_RETRY") == 2


@pytest.mark.parametrize("permanent", [True, False])
def test_what_others_wrote_reaches_the_event_log_clean(
    permanent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "short-secret")
    foreign = f"\x1b[31mBearer {TOKEN} short-secret \x1b]0;title\x07" + "x" * 5_000_000

    def work(context: Any) -> None:
        with clear_failures():
            try:
                raise KeyError(foreign)
            except KeyError as error:
                again = ValueError(f"while it was read: {foreign}")
                again.add_note(foreign)
                if permanent:
                    raise InputError(f"line one\n{foreign}") from again
                raise again from error

    result = step(work)
    assert kinds(result).count("STEP_UP_FOR_RETRY") == (0 if permanent else 2)
    (event,) = result.get_step_failure_events()
    stored = dg.serialize_value(event)
    assert len(stored) < 10 * LONGEST_ERROR
    for unwanted in (TOKEN, "short-secret", "\\u001b", "\\u0007", "x" * 2500):
        assert unwanted not in stored
    assert "while it was read" in stored
    if permanent:
        assert failures(result)["work_hard"].startswith("line one\n")


def test_an_error_that_is_fit_stays_itself() -> None:
    error = ValueError("Größe: 5 €\n\tline two of /api/models?limit=5")
    error.__cause__ = KeyError("behind")
    assert cleaned(error) is error


@pytest.mark.heavy
@pytest.mark.parametrize("status", [401, 500])
def test_a_hub_that_repeats_the_request_does_not_fill_the_event_log(
    world: Make,
    serve: Callable[[Any], LoopbackServer],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
) -> None:
    """The whole chain of a failed capture, as Dagster keeps it: no token, no escapes, no flood."""
    asked: list[str] = []

    async def echo(request: Request) -> Response:
        asked.append(request.headers.get("authorization", ""))
        said = f"\x1b[2J\x1b]0;title\x07 you sent {dict(request.headers)} " + "x" * 5_000_000
        return JSONResponse({"error": said}, status, {"X-Error-Message": f"sent: {asked[-1]}"})

    graph = world()
    hostile = serve(Starlette(routes=[Route("/{path:path}", echo)]))
    monkeypatch.setattr(constants, "ENDPOINT", hostile.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    run = graph.materialize("raw_models")
    assert asked
    assert {*asked} == {f"Bearer {TOKEN}"}
    assert f"HTTP {status}" in failures(run)["raw_models"]
    records = graph.instance.all_logs(run.run_id)
    stored = "".join(dg.serialize_value(one) for one in records)
    assert "you sent" in stored or "sent: " in stored
    # A body that was cut is shown as it was sent: a backslash and letters, which steer nothing.
    stored = stored.replace("\\\\", "")
    for unwanted in (TOKEN, "\\u001b", "\\u0007", "x" * 2500):
        assert unwanted not in stored
    assert len(stored) < 1_000_000
