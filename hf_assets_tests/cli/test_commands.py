"""`hf-assets`: each door leads to its part, with words where it cannot be opened."""

import io
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from hf_assets.cli import main as cli
from hf_assets.cli import options
from hf_assets.runner import process, progress
from hf_assets.runner.signals import Ended
from hf_assets.storage.lake import today

COMMANDS = (
    *("alarm", "backfill", "capture", "cluster-demo", "copy", "demo", "dev", "insights", "launch"),
    *("service", "status", "tag", "tagger"),
)
# `hf-assets backfill`, whose run waits.
BACKFILL = """
import sys
from hf_assets.cli.main import main
from hf_assets.runner import process
waits = "import signal, time; signal.signal(2, 0); print('up', flush=True); time.sleep(60)"
process.launch = lambda **_: [sys.executable, "-c", waits]
sys.exit(main(["backfill", "2026-11-01", "--data", sys.argv[1]]))
"""


def test_help_names_every_command_in_one_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    lines = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == sorted(COMMANDS)
    assert not [line for line in lines if "..." in line]


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "tagger"])
def test_each_command_explains_itself_under_its_own_name(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = cli.main([command, "--help"])
    except SystemExit as ended:  # the parts that read their own options
        status = ended.code
    said = capsys.readouterr().out
    assert status == 0
    assert said.lower().startswith(f"usage: hf-assets {command} ")
    assert "python -m" not in said


def test_the_tagger_reads_its_own_options(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[list[str], str]] = []
    # The page's library takes seconds to import, and its own tests import it.
    page = SimpleNamespace(main=lambda argv, prog: calls.append((argv, prog)))
    monkeypatch.setitem(sys.modules, "hf_assets.apps.tagger", page)
    assert cli.main(["tagger", "--port", "8000", "--help"]) == 0
    assert calls == [(["--port", "8000", "--help"], "hf-assets tagger")]


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["demo"], "demo"),
        (["dev"], "dagster"),
        (["dev", "--demo"], "dagster"),
        (["capture"], "dagster"),
        (["backfill", "2026-11-01"], "dagster"),
        (["launch", "--job", "past_days"], "dagster"),
        (["service", "daemon"], "dagster"),
        (["insights"], "apps"),
        (["tagger"], "apps"),
        (["status"], "lake"),
        (["alarm"], "lake"),
    ],
)
def test_a_missing_extra_is_named(
    arguments: list[str],
    extra: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(options, "find_spec", lambda name: None)
    assert cli.main(arguments) == 1
    assert f"pip install 'hf_assets[{extra}]'" in capsys.readouterr().err


def test_the_hubs_half_of_the_demo_does_without_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(options, "find_spec", lambda name: None if name == "torch" else name)
    monkeypatch.setattr("hf_assets.demo.__main__.main", lambda argv, **_: 5)
    assert cli.main(["demo"]) == 1
    assert "(torch): pip install 'hf_assets[demo]'; --only hub does" in capsys.readouterr().err
    assert cli.main(["demo", "--only", "hub"]) == 5


@pytest.mark.parametrize(
    ("interrupt", "status"),
    [(KeyboardInterrupt(), 130), (Ended(signal.SIGTERM), 143), (Ended(signal.SIGHUP), 129)],
    ids=["Control-C", "SIGTERM", "SIGHUP"],
)
@pytest.mark.parametrize("command", ["capture", "demo", "cluster-demo"])
def test_what_interrupts_a_command_is_its_status_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: str,
    interrupt: KeyboardInterrupt,
    status: int,
) -> None:
    def interrupted(*given: object, **more: object) -> int:
        raise interrupt

    monkeypatch.setattr(process, "become", interrupted)
    monkeypatch.setattr("hf_assets.demo.__main__.plan", interrupted)
    monkeypatch.setattr("hf_assets.demo.cluster.command._run", interrupted)
    assert cli.main([command, "--data", str(tmp_path)]) == status
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_to_the_command_is_its_status(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    """As systemd and a shell expect it of a command that a signal ended."""
    running = subprocess.Popen(
        [sys.executable, "-c", BACKFILL, str(tmp_path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: (
            signal.signal(signal.SIGINT, signal.default_int_handler),
            signal.signal(number, signal.SIG_DFL) if number != signal.SIGINT else None,
        ),
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "up\n"
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == status, said
    assert "Traceback" not in said


def test_dev_serves_the_ui_over_the_lake(ran: list, tmp_path: Path) -> None:
    assert cli.main(["dev", "--data", str(tmp_path), "--port", "3210"]) == 7
    ((command, environ),) = ran
    assert command[3:] == ["dev", "-w", str(process.WORKSPACE), "-h", "127.0.0.1", "-p", "3210"]
    assert environ["HF_ASSETS_DATA"] == str(tmp_path)
    assert environ["DAGSTER_HOME"] == str(tmp_path / "dagster_home")
    assert "max_concurrent_runs" in (tmp_path / "dagster_home" / "dagster.yaml").read_text()


def test_dev_demo_hands_its_options_to_the_demo(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[list[str], str]] = []

    def record(argv: list[str], *, prog: str, command: str) -> int:
        calls.append((argv, f"{prog}: {command}"))
        return 5

    monkeypatch.setattr("hf_assets.demo.__main__.main", record)
    assert cli.main(["dev", "--demo", "--data", str(tmp_path), "--port", "3211"]) == 5
    options = ["--data", str(tmp_path), "--ui-host", "127.0.0.1", "--ui-port", "3211"]
    assert calls == [(options, "hf-assets dev --demo: dev")]


def test_capture_runs_the_job_of_the_schedule_for_today(ran: list, tmp_path: Path) -> None:
    assert cli.main(["capture", "--data", str(tmp_path)]) == 7
    ((command, environ),) = ran
    assert command[3:] == [
        *("launch", "-m", "hf_assets.definitions"),
        *("--job", "capture_today", "--partition", today()),
    ]
    assert environ["HF_ASSETS_DATA"] == str(tmp_path)


@pytest.mark.parametrize(
    ("given", "span"),
    [
        ("2026-11-01...2026-11-20", "2026-11-01...2026-11-20"),
        ("2026-11-01", "2026-11-01...2026-11-01"),
    ],
)
def test_backfill_is_one_run_over_the_range_and_one_over_all_days(
    ran: list, tmp_path: Path, given: str, span: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: list[tuple[list[str], Mapping[str, str]]] = []
    monkeypatch.setattr(process, "call", lambda *call: first.append(call))
    assert cli.main(["backfill", given, "--data", str(tmp_path)]) == 7
    ((days, environ),), ((series, same),) = first, ran
    assert days[6:] == ["--job", "past_days", "--partition-range", span]
    assert series[6:] == ["--assets", 'group:"trends/history"']
    assert environ == same
    # `dg launch` refuses a range that a setting cuts.
    assert environ["HF_ASSETS_DAYS_PER_RUN"] == ""


def test_series_wait_for_a_backfill_that_succeeds(
    ran: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "call", lambda *_: 3)
    assert cli.main(["backfill", "2026-11-01", "--data", str(tmp_path)]) == 3
    assert ran == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("yesterday", "no range of days"),
        ("2026-11-01...2026-11-03...2026-11-04", "no range of days"),
        ("2026-11-04...2026-11-03", "2026-11-04 is after 2026-11-03"),
        ("2024-01-01...2026-11-03", "before 2024-07-29, the first day"),
        ("2026-11-01...2999-01-01", "2999-01-01 is after"),
    ],
)
def test_a_wrong_range_is_told_in_words(
    ran: list, given: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["backfill", given]) == 2
    assert words in capsys.readouterr().err
    assert ran == []


def test_launch_is_dagsters_with_the_lakes_home(ran: list, tmp_path: Path) -> None:
    asked = ["--job", "past_days", "--partition-range", "2026-11-01...2026-11-03"]
    assert cli.main(["launch", *asked, "--data", str(tmp_path)]) == 7
    ((command, environ),) = ran
    assert command[1:] == ["-m", "hf_assets.launching", *asked]
    assert environ["HF_ASSETS_DATA"] == str(tmp_path)
    assert environ["DAGSTER_HOME"] == str(tmp_path / "dagster_home")
    configuration = yaml.safe_load((tmp_path / "dagster_home" / "dagster.yaml").read_text())
    assert configuration["telemetry"] == {"enabled": False}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([], "give --job NAME or --assets SELECTION"),
        (["--assets", "models", "--job=past_days"], "one of them"),
        (["--job", "past_days"], "`--job past_days --partition-range 2026-11-01...2026-11-30`"),
        (["--job=capture_today"], f"`--job capture_today --partition {today()}`"),
        (["--job"], ""),
    ],
)
def test_a_launch_of_nothing_is_no_traceback(
    ran: list, asked: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = cli.main(["launch", *asked, "--data", str(tmp_path)])
    # What is wrong with an option, `dg launch` says itself.
    assert status == (2 if words else 7)
    assert words in capsys.readouterr().err
    assert bool(ran) is not bool(words)


def test_a_home_that_cannot_be_written_is_no_traceback(
    ran: list, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "dagster_home").write_text("a file")
    assert cli.main(["launch", "--assets", "day_quality", "--data", str(tmp_path)]) == 1
    assert f"{tmp_path / 'dagster_home'}" in capsys.readouterr().err
    assert ran == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("status", [0, 3])
def test_on_a_terminal_a_run_has_a_bar_and_the_end_of_its_log_if_it_fails(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    status: int,
) -> None:
    runs = []

    def run(
        title: str,
        command: list[str],
        environ: object,
        log: Path,
        data: Path,
        days: list[str],
        today: str,
    ) -> int:
        assert today == ""
        log.write_text("\n".join(map(str, range(100))))
        runs.append((title, data, len(days)))
        return status

    monkeypatch.setattr(progress, "run", run)
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert cli.main(["backfill", "2026-11-01...2026-11-03", "--data", str(tmp_path)]) == status
    steps = [("2026-11-01...2026-11-03", tmp_path, 3), ("the series over all days", tmp_path, 0)]
    assert runs == steps[: 1 if status else 2]
    said = capsys.readouterr().err
    assert ("The run failed" in said and said.endswith("98\n99\n")) == bool(status)


@pytest.mark.heavy
@pytest.mark.parametrize("terminal", [True, False])
def test_a_page_says_on_a_terminal_that_its_start_takes_seconds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, terminal: bool
) -> None:
    errors = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    # No model there: it ends after its start.
    assert cli.main(["tagger", "--data", str(tmp_path)]) == 2
    first, *more = errors.getvalue().splitlines()
    assert (first == "Loading the page and the classifiers: some seconds …") == terminal
    assert "No trained model" in (more[0] if terminal else first)
