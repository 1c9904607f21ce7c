"""The graph as other processes run it: the `dg` command, and a run that is killed."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.runner.home import write_home
from hf_assets_tests.defs.conftest import RAW, TABLES, Make, days_ago
from hf_assets_tests.support.full_disk import files_no_longer_than

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds for what takes ten on an idle machine
NOWHERE = "http://127.0.0.1:9"  # the discard port: what asks it for a page fails


@dataclass
class Command:
    """`dg` with a home and a lake of its own."""

    lake: Path
    home: Path
    endpoint: str = NOWHERE

    def environment(self) -> dict[str, str]:
        # The project's own: a killed run must not hold what the next one wants.
        write_home(self.home)
        folder = str(Path(sys.executable).parent)
        return os.environ | {
            "PATH": os.pathsep.join([folder, os.environ["PATH"]]),
            "DAGSTER_HOME": str(self.home),
            "HF_ASSETS_DATA": str(self.lake),
            "HF_ENDPOINT": self.endpoint,
            "HF_ASSETS_ARCHIVE": "none",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return self.open(str(Path(sys.executable).with_name("dg")), *arguments)

    def open(self, *command: str) -> subprocess.Popen[str]:
        """Another program in that home."""
        return subprocess.Popen(
            command,
            cwd=PROJECT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit status and what was said."""
        process = self.start(*arguments)
        try:
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return process.returncode, said


@pytest.fixture
def dg_command(tmp_path: Path) -> Command:
    return Command(tmp_path / "lake", tmp_path / "home")


@pytest.mark.release
@pytest.mark.heavy
def test_check_defs(dg_command: Command) -> None:
    status, said = dg_command.run("check", "defs")
    assert status == 0, said
    assert "All definitions loaded successfully" in said
    assert not dg_command.lake.exists()


@pytest.mark.release
@pytest.mark.heavy
def test_launch_rebuilds_a_range_from_stored_captures(world: Make, dg_command: Command) -> None:
    hub = world()
    days = [days_ago(3), days_ago(2)]
    for day in days:
        hub.capture(day)
    status, said = dg_command.run(
        *("launch", "--assets", 'group:"hub/*"', "--partition-range", "...".join(days))
    )
    assert status == 0, said
    for table in TABLES:
        assert hub.lake.days(table) == ([] if table == "daily_metrics" else days)
    rows = [hub.lake.read("models", day).rows for day in days]
    assert rows[0] < rows[1]


@pytest.mark.release
@pytest.mark.heavy
def test_launch_of_a_range_without_captures_fails_and_writes_nothing(
    dg_command: Command,
) -> None:
    status, said = dg_command.run(
        *("launch", "--assets", 'group:"hub/*"'),
        *("--partition-range", f"{days_ago(3)}...{days_ago(2)}"),
    )
    assert status != 0
    assert f"{days_ago(3)} is over and its models were never captured" in said
    assert f"{days_ago(2)} is over and its models were never captured" in said
    assert "STEP_UP_FOR_RETRY" not in said
    assert not dg_command.lake.exists()


def test_a_disk_that_is_full_is_told_once_and_not_retried(world: Make) -> None:
    hub = world(GeneratedHub(3_000, 20, seed=4))
    hub.capture(days_ago(1))
    with files_no_longer_than(20_000):
        run = hub.materialize("models", day=days_ago(1))
    assert not run.success
    assert not [event for event in run.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
    (failed,) = [event for event in run.all_events if event.is_step_failure]
    assert failed.step_failure_data.error is not None
    told = failed.step_failure_data.error.to_string()
    path = hub.lake.folder("models", days_ago(1)) / "data.parquet"
    assert f"{path} cannot be written: File too large. The file system of {hub.root}" in told
    assert hub.lake.days("models") == []


@pytest.mark.release
@pytest.mark.heavy
def test_a_run_killed_while_it_writes_models_leaves_the_old_day_whole(
    world: Make, dg_command: Command
) -> None:
    hub = world(GeneratedHub(60_000, 100, seed=4))
    day = days_ago(1)
    hub.capture(day)
    assert hub.materialize("models", day=day).success
    path = hub.lake.read("models", day).path
    before = path.read_bytes()

    launch = ("launch", "--assets", "models", "--partition", day)
    process = dg_command.start(*launch)
    deadline = time.monotonic() + PATIENCE
    while not (left := list(path.parent.glob(".data.parquet.*.tmp"))):
        assert process.poll() is None, "the run ended before it wrote"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL, said
    assert left[0].exists(), "the run was killed after it wrote"
    assert path.read_bytes() == before
    assert hub.lake.read("models", day).rows == hub.lake.read("models", day).frame.collect().height
    assert hub.lake.days("models") == [day]

    status, said = dg_command.run(*launch)
    assert status == 0, said
    assert hub.lake.read("models", day).rows == pytest.approx(60_000, rel=0.01)


@pytest.mark.release
@pytest.mark.heavy
def test_a_run_killed_while_it_lists_goes_on_where_it_was(world: Make, dg_command: Command) -> None:
    hub = world(GeneratedHub(8_000, 100, seed=4))
    hub.faults.latency = 0.2
    dg_command.endpoint = hub.url
    launch = ("launch", "--assets", ",".join(RAW), "--partition", days_ago(0))
    process = dg_command.start(*launch)
    deadline = time.monotonic() + PATIENCE
    while len(list(hub.root.rglob("*.json.zst"))) < 4:
        assert process.poll() is None, "the run ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    assert hub.lake.days("raw_models", "capture.json") == []

    hub.faults.latency = 0.0
    status, said = dg_command.run(*launch)
    assert status == 0, said
    asked = [page.query for page in hub.pages if page.path == "/api/models"]
    assert len(set(asked)) == 8
    assert len(asked) <= 9
    assert hub.materialize("raw_models").success
    assert hub.figures("raw_models", "distinct rows") == {days_ago(0): 8_000}
