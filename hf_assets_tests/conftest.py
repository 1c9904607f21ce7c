"""A loopback Hub for each test, a Hugging Face home that is nobody's own, real data where it is."""

import gc
import itertools
import os
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Before anything imports huggingface_hub, which reads them once.
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="hf-home-")
os.environ["HF_HUB_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
os.environ.pop("HF_TOKEN", None)
os.environ.pop("HUGGING_FACE_HUB_TOKEN", None)
os.environ.pop("HF_TOKEN_PATH", None)
os.environ.pop("HF_ENDPOINT", None)
os.environ.pop("HF_HUB_OFFLINE", None)
os.environ["NO_PROXY"] = "127.0.0.1"

from hypothesis import settings
from starlette.applications import Starlette

from hf_assets import progress
from hf_assets.demo.hub.app import Served, create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.world.source import HubSource
from hf_assets.hub.capture.capturer import Capturer
from hf_assets.hub.client.listing import HubClient
from hf_assets.hub.client.pacing import Pacer
from hf_assets.settings import settings as project_settings
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.object_store.fixtures import (  # noqa: F401 - fixtures of all tests
    any_lake,
    bucket,
    store_proxy,
    store_server,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from hf_assets_tests.support.deploy.postgres import PostgresServer

# No test depends on the speed of the machine; CI tries the same examples on each run, and a
# developer's machine tries new ones.
settings.register_profile("hf_assets", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("hf_assets")

# Files that take long come first: a worker that began one at the end would work on alone.
LONG = (
    *("deploy/test_night.py", "deploy/test_service.py", "demo/test_demo.py"),
    *("defs/labels/test_materialize_all.py", "defs/test_scaffolded_projects.py"),
    *("defs/hub/test_recovered.py", "defs/hub/test_dataset_days.py", "defs/hub/test_night.py"),
    *("defs/labels/test_chain.py", "classifiers/test_chain.py", "apps/test_insights_views.py"),
    *("apps/test_tagger_several.py", "apps/test_tagger_page.py", "defs/hub/test_days.py"),
    *("cli/test_wheel.py", "defs/labels/test_trainings_at_once.py", "defs/hub/test_checks.py"),
    *("defs/hub/test_emptied_days.py", "defs/hub/test_recover_schedule.py"),
    *("defs/hub/test_broken_archive.py", "defs/labels/test_sources.py", "cli/test_backfill.py"),
    *("defs/hub/test_side_by_side.py", "defs/hub/test_past_days.py", "defs/hub/test_captures.py"),
    *("defs/labels/test_predictions.py", "defs/labels/test_drift_on_a_store.py"),
    *("apps/test_insights_page.py", "apps/test_insights_address.py", "demo/test_cli.py"),
    *("trends/figures/test_legible.py", "defs/hub/test_real_days.py", "defs/test_ui.py"),
    *("classifiers/training/test_finetuning.py", "defs/common/test_killed_runs.py"),
    *("trends/series/test_many_days.py", "defs/test_processes.py", "storage/test_lake_whole.py"),
    *("corpora/test_real_corpora.py", "defs/hub/test_schedules.py"),
    *("defs/labels/test_schedules.py", "hub/capture/test_killed.py"),
)
# Files that share a server go to the worker of the other.
TOGETHER = {
    "apps/test_tagger_api.py": "apps/test_tagger_several.py",
    "apps/test_tagger_page.py": "apps/test_tagger_several.py",
    "apps/test_insights_page.py": "apps/test_insights_views.py",
    "apps/test_insights_address.py": "apps/test_insights_views.py",
}
HERE = Path(__file__).parent

# With a worker a core, more threads would only wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Set the order in which `--no-loadscope-reorder` gives files to workers."""
    places = {name: at for at, name in enumerate(LONG)}

    def place(item: pytest.Item) -> int:
        return places.get(item.path.relative_to(HERE).as_posix(), len(LONG))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give a file to one worker, along with those of `TOGETHER`."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            folder, _, name = super()._split_scope(nodeid).partition("/")
            return f"{folder}/{TOGETHER.get(name, name)}"

    return Scheduling(config, log)


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the collector need not look through them again.

    What a test leaves is small beside them: the collector looks seldom, too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


DAY = "2026-11-20"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long steps log each line that they log now and then."""
    monkeypatch.setattr(progress, "FIRST", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.0)


@pytest.fixture(scope="module")  # no longer: a loop of its own runs beside it
def browser() -> "Generator[Browser]":
    """Headless Chromium."""
    from hf_assets_tests.support.browser import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def tab(browser: "Browser") -> "Page":
    """A tab for all tests of a module, as scripts that it has compiled cost nothing again; each
    test takes it with `support.browser.listening`.
    """
    from hf_assets_tests.support.browser import PATIENCE

    tab = browser.new_page(accept_downloads=True, reduced_motion="reduce")
    tab.set_default_timeout(PATIENCE)
    return tab


@dataclass
class Clock:
    """A time that a test sets; no two looks at a clock see the same microsecond."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now + timedelta(microseconds=next(_TICKS))


_TICKS = itertools.count()


@dataclass
class ServedHub:
    """The embedded Hub while it is served, and what talks to it; `told` is the run log."""

    app: Starlette
    url: str
    told: list[str] = field(default_factory=list)

    @property
    def faults(self) -> Faults:
        return self.app.state.faults

    @property
    def requests(self) -> list[Served]:
        return self.app.state.requests

    @property
    def listed(self) -> list[str]:
        """Query strings of the listing pages asked for, oldest first."""
        listings = ("/api/models", "/api/spaces", "/api/datasets")
        return [one.query for one in self.requests if one.path in listings]

    @property
    def statuses(self) -> list[int]:
        return [one.status for one in self.requests]

    def client(self, **options: Any) -> HubClient:
        given: dict[str, Any] = {"pacer": Pacer(), "log": self.told.append, **options}
        given = {"retry_wait": 0.001, "read_timeout": 10.0} | given
        return HubClient(self.url, **given)

    def capturer(self, clock: Callable[[], datetime] | None = None, **options: Any) -> Capturer:
        given: dict[str, Any] = {"log": self.told.append, "lock_wait": 20.0, **options}
        client = given.pop("client", None) or self.client()
        return Capturer(client, clock=clock or Clock(), **given)


Serve = Callable[[Any], LoopbackServer]
ServeHub = Callable[..., ServedHub]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server for an application; it stops with the test, which does not wait for it."""
    servers: list[LoopbackServer] = []

    def start(app: Any) -> LoopbackServer:
        servers.append(LoopbackServer(app).start())
        return servers[-1]

    yield start
    for server in servers:
        threading.Thread(target=server.stop).start()


@pytest.fixture
def hub(serve: Serve) -> ServeHub:
    """Serves the embedded Hub over a source; further arguments are those of `create_app`."""

    def start(source: HubSource, faults: Faults | None = None, **options: Any) -> ServedHub:
        app = create_app(source, faults, **options)
        return ServedHub(app, serve(app).url)

    return start


@pytest.fixture
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are not synced to disk: it takes milliseconds each, and no test cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "fdatasync", lambda _: None)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of recorded listings that HF_ASSETS_REAL_DATA names."""
    folder = os.environ.get("HF_ASSETS_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"HF_ASSETS_REAL_DATA names no folder of recorded listings: {folder!r}")
    return Path(folder)


@pytest.fixture(scope="session")
def postgres_server() -> "Generator[PostgresServer]":
    """One Postgres a worker. A test that kills it starts it again."""
    from hf_assets_tests.support.deploy.postgres import postgres_server

    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_locks(
    postgres_server: "PostgresServer", monkeypatch: pytest.MonkeyPatch
) -> "Generator[PostgresServer]":
    """This process, and what it starts, hold locks in Postgres; none is left at the end."""
    for name, value in {**postgres_server.variables, "HF_ASSETS_LOCKS": "postgres"}.items():
        monkeypatch.setenv(name, value)
    project_settings.cache_clear()
    yield postgres_server
    project_settings.cache_clear()
    assert postgres_server.locks() == []


@pytest.fixture(params=["files", "postgres"])
def locks(request: pytest.FixtureRequest) -> str:
    """The test runs with locks of both kinds."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_locks")
    return request.param
