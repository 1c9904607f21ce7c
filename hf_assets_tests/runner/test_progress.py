"""How far a run is: a bar on a terminal, a line elsewhere."""

import io
import os
import sys
from pathlib import Path

import pytest

from hf_assets.runner import progress
from hf_assets.runner.parts import LISTINGS, TABLES, parts_written

DAYS = ("2026-11-01", "2026-11-02")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def write_parts(data: Path, days: tuple[str, ...]) -> None:
    files = dict.fromkeys(LISTINGS, "capture.json") | dict.fromkeys(TABLES, "data.parquet")
    for asset, name in files.items():
        for day in days:
            path = data / asset / f"day={day}" / name
            path.parent.mkdir(parents=True)
            path.write_bytes(b"")


def test_captures_count_at_any_time_and_tables_since_the_run_began(tmp_path: Path) -> None:
    assert parts_written(tmp_path, DAYS, 0) == 0
    write_parts(tmp_path, DAYS[:1])
    assert parts_written(tmp_path, DAYS, 0) == 8
    assert parts_written(tmp_path, DAYS, 2**40) == 2


def test_a_line_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", "print('words'); exit(3)"]
    assert progress.run("a run", command, os.environ, tmp_path / "log", tmp_path) == 3
    assert capsys.readouterr().out.startswith("  a run … ")
    assert (tmp_path / "log").read_text() == "words\n"


@pytest.mark.parametrize(("days", "shown"), [(DAYS, "50%"), ((), "a run")])
def test_a_bar_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: tuple[str, ...], shown: str
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    write_parts(tmp_path, DAYS[:1])
    for status in (3, 0):
        terminal.truncate(0)
        command = [sys.executable, "-c", f"exit({status})"]
        log = tmp_path / "log"
        assert progress.run("a run", command, os.environ, log, tmp_path, days) == status
        assert shown in terminal.getvalue() or not status
        assert ("100%" in terminal.getvalue()) == (bool(days) and not status)
