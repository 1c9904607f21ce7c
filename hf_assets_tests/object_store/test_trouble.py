"""A store in trouble: clear words, nothing half, and what was stored is read back."""

import logging
import traceback
from collections.abc import Callable
from datetime import timedelta

import pytest

from hf_assets.object_store import address
from hf_assets.object_store.address import StoreAddress
from hf_assets.object_store.commit import CommitConflict, commit, overwrite, seen
from hf_assets.object_store.errors import StoreError
from hf_assets.object_store.path import StorePath
from hf_assets_tests.support.object_store.counting import Answer, CountingProxy, Fault, Request
from hf_assets_tests.support.object_store.weed import KEY, SECRET
from hf_assets_tests.support.servers import free_port

OLD, NEW = b"old" * 1000, b"new" * 2000
Step = Callable[[StorePath], object]
STEPS: dict[str, tuple[str, Step]] = {
    "create": ("PUT", lambda path: commit(path.with_name("new"), NEW, None)),
    "replace": ("PUT", lambda path: commit(path, NEW, seen(path))),
    "overwrite": ("PUT", lambda path: overwrite(path, NEW)),
    "read": ("GET", lambda path: path.read_bytes()),
    "facts": ("HEAD", lambda path: path.facts()),
    "list": ("LIST", lambda path: list(path.parent.below())),
    "children": ("LIST", lambda path: path.parent.children()),
    "delete": ("DELETE many", lambda path: path.unlink(missing_ok=True)),
}
every_step = pytest.mark.parametrize("step", STEPS)


@pytest.fixture
def stored(bucket: StorePath, store_proxy: CountingProxy) -> StorePath:
    """An object, through the proxy."""
    path = bucket / "models" / "data.parquet"
    commit(path, OLD, None)
    store_proxy.clear()
    return path


def without_keys(*texts: str) -> None:
    """No credential, nor a part of one that would tell it, is in a text."""
    for text in texts:
        assert KEY not in text
        assert SECRET not in text


def refused(step: str, path: StorePath, caplog: pytest.LogCaptureFixture) -> StoreError:
    """The error of a step; neither it nor its traceback nor a log holds a key."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(StoreError) as caught:
        STEPS[step][1](path)
    error = caught.value
    trace = traceback.TracebackException.from_exception(error, capture_locals=False)
    without_keys(str(error), repr(error), "".join(trace.format()), caplog.text)
    # What a debugger or a report of errors would follow.
    assert error.__cause__ is None
    assert error.__suppress_context__
    return error


@every_step
def test_a_short_storm_is_waited_for(
    stored: StorePath, store_proxy: CountingProxy, impatient: None, step: str
) -> None:
    kind, action = STEPS[step]
    store_proxy.faults = [Fault("SlowDown", kinds=(kind,), times=1)]
    action(stored)
    assert store_proxy.counts()[kind] == 2


@every_step
@pytest.mark.parametrize("code", ["SlowDown", "AccessDenied"])
def test_no_step_hides_a_refusal(
    stored: StorePath,
    store_proxy: CountingProxy,
    impatient: None,
    caplog: pytest.LogCaptureFixture,
    step: str,
    code: str,
) -> None:
    kind = STEPS[step][0]
    store_proxy.faults = [Fault(code, kinds=(kind,))]
    error = refused(step, stored, caplog)
    assert str(stored.parent) in str(error)
    # The answer to HEAD has no body, and so no code: its status says as much.
    expected = "ServiceUnavailable" if (code, kind) == ("SlowDown", "HEAD") else code
    assert f": {expected}: " in str(error)
    assert error.permanent is (code == "AccessDenied")
    assert store_proxy.counts()[kind] == (1 if code == "AccessDenied" else 2)
    store_proxy.clear()
    assert stored.read_bytes() == OLD
    assert not stored.with_name("new").exists()


@pytest.mark.parametrize(
    ("code", "words", "permanent"),
    [
        ("SlowDown", "the store asks for fewer requests: run again later", False),
        ("InternalError", "look at the store's log: its disk may be full", False),
        ("InsufficientStorage", "free some space under the store", False),
        ("ServiceUnavailable", "run again when the store is up", False),
        ("AccessDenied", "let this key read and write there", True),
        ("InvalidAccessKeyId", "set AWS_ACCESS_KEY_ID", True),
        ("SignatureDoesNotMatch", "set AWS_SECRET_ACCESS_KEY", True),
        ("RequestTimeTooSkewed", "set the clock of this machine", True),
        ("ExpiredToken", "renew AWS_SESSION_TOKEN", True),
        ("NoSuchBucket", "create the bucket, or correct HF_ASSETS_DATA", True),
    ],
)
@pytest.mark.parametrize("step", ["create", "read"])
def test_a_refusal_says_what_to_do(
    stored: StorePath,
    store_proxy: CountingProxy,
    impatient: None,
    caplog: pytest.LogCaptureFixture,
    step: str,
    code: str,
    words: str,
    permanent: bool,
) -> None:
    store_proxy.faults = [Fault(code, kinds=(STEPS[step][0],))]
    error = refused(step, stored, caplog)
    assert f": {code}: {words}" in str(error)
    assert error.permanent is permanent


def test_keys_that_the_store_does_not_know(
    bucket: StorePath, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"{SECRET}x")
    error = refused("create", bucket / "models" / "data.parquet", caplog)
    assert "set AWS_SECRET_ACCESS_KEY" in str(error)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"{KEY}X")
    error = refused("create", bucket / "models" / "data.parquet", caplog)
    assert "set AWS_ACCESS_KEY_ID" in str(error)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("step", ["create", "replace", "overwrite"])
def test_a_lost_answer_to_a_commit_is_read_back(
    stored: StorePath, store_proxy: CountingProxy, step: str, times: int
) -> None:
    store_proxy.faults = [Fault("lost", kinds=("PUT",), times=times)]
    STEPS[step][1](stored)
    written = stored.with_name("new") if step == "create" else stored
    assert written.read_bytes() == NEW


@pytest.mark.parametrize("step", ["create", "replace"])
def test_a_lost_answer_and_another_writer_are_a_conflict(
    stored: StorePath, store_proxy: CountingProxy, step: str
) -> None:
    """The answer is lost, and before the store is asked again another run replaced the object."""
    written = stored.with_name("new") if step == "create" else stored
    ask, lost = store_proxy.ask, []

    def and_another(request: Request) -> Answer:
        answer = ask(request)
        if request.kind == "PUT" and not lost:
            lost.append(request)
            overwrite(written, b"theirs")
        return answer

    store_proxy.ask = and_another
    store_proxy.faults = [Fault("lost", kinds=("PUT",), times=1)]
    with pytest.raises(CommitConflict):
        STEPS[step][1](stored)
    assert written.read_bytes() == b"theirs"


@pytest.mark.parametrize("step", ["create", "replace"])
def test_an_answer_of_500_after_a_put_that_succeeded_is_read_back(
    stored: StorePath, store_proxy: CountingProxy, step: str
) -> None:
    ask, lost = store_proxy.ask, []

    def broken_once(request: Request) -> Answer:
        answer = ask(request)
        if request.kind == "PUT" and not lost:
            lost.append(request)
            return Answer.error("InternalError", request)
        return answer

    store_proxy.ask = broken_once
    STEPS[step][1](stored)
    written = stored.with_name("new") if step == "create" else stored
    assert written.read_bytes() == NEW


def test_a_body_that_ends_half_way_is_never_content(
    stored: StorePath, store_proxy: CountingProxy, impatient: None
) -> None:
    store_proxy.faults = [Fault("cut", kinds=("GET", "GET range"), times=1)]
    # The client asks for the rest.
    assert stored.read_bytes() == OLD
    store_proxy.clear()
    store_proxy.faults = [Fault("cut", kinds=("GET", "GET range"))]
    with pytest.raises(StoreError) as caught:
        stored.read_bytes()
    assert not caught.value.permanent


def test_a_store_that_is_away(
    bucket: StorePath,
    impatient: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    error = refused("create", bucket / "models" / "data.parquet", caplog)
    assert "look whether the store is up and AWS_ENDPOINT_URL is right" in str(error)
    assert not error.permanent


@every_step
def test_a_store_that_is_away_is_waited_for(
    stored: StorePath, store_proxy: CountingProxy, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """As often as the time allows, and not a number of times that is over before."""
    at_once = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2)}
    monkeypatch.setattr(address, "_BACKOFF", {**at_once, "base": 3})
    monkeypatch.setattr(address, "RETRY_SECONDS", 60)
    kind, action = STEPS[step]
    store_proxy.faults = [Fault("ServiceUnavailable", kinds=(kind,), times=40)]
    action(stored)
    assert store_proxy.counts()[kind] == 41


def test_a_storm_without_end_is_asked_for_so_many_seconds(
    stored: StorePath,
    store_proxy: CountingProxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(address, "RETRY_SECONDS", 0.5)
    store_proxy.faults = [Fault("SlowDown")]
    refused("create", stored, caplog)
    assert 2 <= store_proxy.counts()["PUT"] <= 7  # a wait is at least 100 ms


# SeaweedFS creates a bucket that is written to, and deletes what is not there.
@pytest.mark.parametrize("step", ["replace", "read", "facts", "list", "children"])
def test_a_missing_bucket_is_no_missing_object(
    bucket: StorePath, caplog: pytest.LogCaptureFixture, step: str
) -> None:
    there = StorePath(StoreAddress("no-such-bucket", "hub"))
    error = refused(step, there / "models" / "data.parquet", caplog)
    assert "NoSuchBucket: create the bucket, or correct HF_ASSETS_DATA" in str(error)
    assert error.permanent
