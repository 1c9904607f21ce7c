"""The processes of a service, as the units and the compose file start them, capture a day.

Each is killed with -9, one at a time, while a run goes on.
"""

from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.runner.process import CAPTURE_TODAY
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.support.deploy.postgres import postgres
from hf_assets_tests.support.deploy.read import DEPLOY, of_compose, of_units
from hf_assets_tests.support.deploy.running import ENDED, Service, install, until, up
from hf_assets_tests.support.servers import free_port

pytestmark = pytest.mark.heavy

JOB = CAPTURE_TODAY
LISTINGS = ("raw_models", "raw_spaces")
ROWS = 8_000


@dataclass
class Deployed:
    """A service over a lake, and the Hub that it captures."""

    service: Service
    lake: Lake
    faults: Faults

    def listed(self) -> int:
        """Pages of today's models that are stored so far."""
        return len(list(self.lake.root.glob("raw_models/**/*.json.zst")))


Deploy = Callable[[str], Deployed]


@pytest.fixture
def deploy(tmp_path: Path) -> Generator[Deploy]:
    with ExitStack() as running:

        def start(kind: str) -> Deployed:
            app = create_app(GeneratedHub(ROWS, 300, seed=4), rate_limit=1_000_000)
            hub = running.enter_context(LoopbackServer(app))
            settings = {
                "HF_ENDPOINT": hub.url,
                "HF_HOME": str(tmp_path / "hf_home"),
                "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
                "HF_ASSETS_ARCHIVE": "none",
                "NO_PROXY": "127.0.0.1",
            }
            ports = {"HF_ASSETS_CODE_PORT": free_port(), "HF_ASSETS_UI_PORT": free_port()}
            settings |= {name: str(port) for name, port in ports.items()}
            make = {"units": units, "compose": containers}[kind]
            processes, lake = make(tmp_path, settings, running)
            url = f"http://127.0.0.1:{ports['HF_ASSETS_UI_PORT']}"
            service = running.enter_context(up(processes, tmp_path, url))
            return Deployed(service, Lake(lake), app.state.faults)

        yield start


def units(root: Path, settings: dict[str, str], running: ExitStack) -> tuple[list, Path]:
    """As a user's manager starts them, with the history that `hf-assets` sets up."""
    install(root)
    given = root / ".config" / "hf_assets" / "environment"
    given.parent.mkdir(parents=True)
    given.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return of_units(root), root / ".local" / "state" / "hf_assets"


def containers(root: Path, settings: dict[str, str], running: ExitStack) -> tuple[list, Path]:
    """As containers of one host, with Postgres."""
    database, where = running.enter_context(postgres())
    home, lake = root / "dagster", root / "lake"
    home.mkdir()
    lake.mkdir()
    (home / "dagster.yaml").write_bytes((DEPLOY / "dagster.yaml").read_bytes())
    path = f"{install(root).parent}:/usr/bin:/bin"
    image = {"HOME": str(root), "PATH": path, "DAGSTER_HOME": str(home)}
    image |= {"HF_ASSETS_DATA": str(lake)}
    variables = {**settings, "POSTGRES_PASSWORD": where["PGPASSWORD"]}
    ours = of_compose(variables, "hf-assets", image)
    for process in ours:
        process.command[0] = str(root / ".local" / "bin" / process.command[0])
        # The names of a network of containers, and its ports.
        ports = {name: port for name, port in settings.items() if name.endswith("_PORT")}
        hosts = {"postgres": "127.0.0.1", "code": "127.0.0.1", "0.0.0.0": "127.0.0.1"}
        known = {name: hosts.get(value, value) for name, value in process.environment.items()}
        process.environment.update(known | ports | where)
    return [database, *ours], lake


@pytest.mark.parametrize(
    "kind",
    # Whole nights begin with the units, too; what runs over Postgres is killed in
    # defs/common/test_runs_of_machines.py and cluster/test_killed.py.
    [pytest.param(kind, marks=pytest.mark.release) for kind in ("units", "compose")],
)
def test_a_service_captures_a_day_and_recovers_from_every_kill(kind: str, deploy: Deploy) -> None:
    deployed = deploy(kind)
    service, lake = deployed.service, deployed.lake
    deployed.faults.latency = 0.5
    first = service.launch(JOB, today())
    until(lambda: deployed.listed() >= 2, service.said)
    # The run is a process of the code server, and ends with it.
    service.kept["code"].kill()
    assert service.status(first, *ENDED) == "FAILURE"
    assert lake.days("raw_models", "capture.json") == []
    stored = deployed.listed()

    for name in service.kept.keys() - {"code"}:
        service.kept[name].kill()
    service.wait_until_up()
    deployed.faults.latency = 0.0
    second = service.launch(JOB, today())
    assert service.status(second, *ENDED) == "SUCCESS", service.said()
    assert deployed.listed() >= stored
    for asset in (*LISTINGS, "models", "daily_metrics"):
        assert lake.days(asset) or lake.days(asset, "capture.json") == [today()]
    assert {*service.runs().values()} == {"FAILURE", "SUCCESS"}
    assert all(kept.starts == 2 for kept in service.kept.values())
