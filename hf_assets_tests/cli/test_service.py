"""`hf-assets service`: the processes of a service, and the history that they share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hf_assets.cli import main as cli
from hf_assets.runner import home, process

WHERE = ["--code-host", "code", "--code-port", "4001"]


@pytest.mark.parametrize(
    ("asked", "command"),
    [
        (
            ["code", "--host", "0.0.0.0", "--port", "4001"],
            "dagster api grpc -m hf_assets.definitions -h 0.0.0.0 -p 4001",
        ),
        (["daemon", *WHERE], f"dagster._daemon run -w {home.SERVED}"),
        (
            ["webserver", *WHERE, "--host", "0.0.0.0", "--port", "80", "--read-only"],
            f"dagster_webserver -w {home.SERVED} -h 0.0.0.0 -p 80 --read-only",
        ),
    ],
)
def test_a_service_is_three_processes(
    ran: list,
    tmp_path: Path,
    asked: list[str],
    command: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "create_history", lambda: [sys.executable, "-c", ""])
    assert cli.main(["service", *asked, "--data", str(tmp_path)]) == 7
    ((words, environ),) = ran
    assert words[1:] == ["-m", *command.split()]
    assert environ["DAGSTER_HOME"] == str(tmp_path / "dagster_home")
    assert (tmp_path / "dagster_home" / "dagster.yaml").is_file()
    if asked[0] != "code":
        where = yaml.safe_load(home.SERVED.read_text())["load_from"][0]["grpc_server"]
        assert environ[where["host"]["env"]] == "code"
        assert environ[where["port"]["env"]] == "4001"


@pytest.mark.heavy
def test_processes_that_start_together_create_one_history(tmp_path: Path) -> None:
    """Two that create the tables at once leave a history that none of them opens again."""
    create = (
        "import os, sys; from pathlib import Path; from hf_assets.cli import options; "
        "from hf_assets.runner import process; "
        "process.become = lambda *given: print('opened') or 0; "
        "options.start([], options.environ_of(Path(sys.argv[1])))"
    )
    environ = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    together = [
        subprocess.Popen(
            [sys.executable, "-c", create, str(tmp_path)],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    assert [one.communicate() for one in together] == [("opened\n", "")] * 3
    assert [*(tmp_path / "dagster_home").rglob("runs.db")]


def test_a_history_that_cannot_be_opened_starts_no_process(
    ran: list, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "create_history", lambda: [sys.executable, "-c", "exit(1)"])
    assert cli.main(["service", "daemon", "--data", str(tmp_path)]) == 1
    assert "the history cannot be opened" in capsys.readouterr().err
    assert ran == []
