"""How far a run is: a bar on a terminal of any width, plain lines elsewhere."""

import os
import re
import sys
from pathlib import Path

import pytest

from hf_assets.hub.capture_store.store import RAW
from hf_assets.runner import progress
from hf_assets.runner.parts import TABLES, parts_written
from hf_assets_tests.support.terminal import HIDE, Shown, on_terminal

DAYS = ("2026-11-01", "2026-11-02")
RUN = """
import os, sys
from pathlib import Path
from hf_assets.runner import progress
folder = Path(sys.argv[1])
status = progress.run(
    sys.argv[2], [sys.executable, "-c", sys.argv[3]], os.environ, folder / "log", folder, {days}
)
print("ended with", status)
"""
# What Dagster's own process writes, in small.
STEPS = """
import time
line = "2026-11-20 03:00:00 +0000 - dagster - DEBUG - job - 1f - 12 - "
print(line + "This run has 4 steps", flush=True)
for step in "abcd"[:{steps}]:
    print(line + step + f' - STEP_START - Started execution of step "{{step}}".', flush=True)
    time.sleep({seconds})
    print(line + step + ' - STEP_SUCCESS - Finished.', flush=True)
{last}
"""


def steps(count: int = 4, seconds: float = 0.25, last: str = "") -> str:
    return STEPS.format(steps=count, seconds=seconds, last=last)


def write_parts(data: Path, days: tuple[str, ...]) -> None:
    files = dict.fromkeys(RAW, "capture.json") | dict.fromkeys(TABLES, "data.parquet")
    for asset, name in files.items():
        for day in days:
            path = data / asset / f"day={day}" / name
            path.parent.mkdir(parents=True)
            path.write_bytes(b"")


def shown(
    folder: Path, code: str, title: str = "a run", days: object = (), **more: object
) -> Shown:
    script = RUN.format(days=days)
    return on_terminal([sys.executable, "-c", script, str(folder), title, code], **more)  # ty: ignore[invalid-argument-type]


def test_captures_count_at_any_time_and_tables_since_the_run_began(tmp_path: Path) -> None:
    assert parts_written(tmp_path, DAYS, 0) == 0
    write_parts(tmp_path, DAYS[:1])
    assert parts_written(tmp_path, DAYS, 0) == 12
    assert parts_written(tmp_path, DAYS, 2**40) == 3


def test_a_line_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", "print('words'); exit(3)"]
    assert progress.run("a run", command, os.environ, tmp_path / "log", tmp_path) == 3
    assert re.fullmatch(r"  a run … \d+ s\n", capsys.readouterr().out)
    assert (tmp_path / "log").read_text() == "words\n"


def test_lines_now_and_then_of_a_long_run_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "PLAIN_EVERY", 0.0)
    command = [sys.executable, "-c", steps()]
    assert progress.run("a run", command, os.environ, tmp_path / "log", tmp_path) == 0
    first, *lines, last = capsys.readouterr().out.splitlines()
    assert first == "  a run …"
    assert re.fullmatch(r"    done in \d+ s", last)
    parts = [re.fullmatch(r"    (\d+) %(?:, .* left)?(?:, ([abcd]))?", line) for line in lines]
    assert all(parts), lines
    percent = [int(match[1]) for match in parts if match]
    assert percent == sorted(percent)
    assert {*percent} <= {0, 25, 50, 75, 100}
    assert len({*percent}) > 2


@pytest.mark.parametrize("status", [0, 3])
def test_a_bar_of_steps_on_a_terminal(tmp_path: Path, status: int) -> None:
    # Long enough to be seen by a machine that does much else.
    done = shown(tmp_path, steps(count=2, seconds=1, last=f"exit({status})"))
    assert HIDE in done.text
    assert done.cursor_is_visible
    assert f"ended with {status}" in done.text
    assert any("a run" in line and " 25 %" in line for line in done.lines)
    assert ("100 %" in done.text) == (not status)


def test_a_bar_of_past_days_on_a_terminal(tmp_path: Path) -> None:
    write_parts(tmp_path, DAYS[:1])
    for path in tmp_path.rglob("data.parquet"):
        os.utime(path, (2**31, 2**31))  # as if this run had written it
    done = shown(tmp_path, steps(last="exit(3)"), days=DAYS)
    assert any(" 50 %" in line for line in done.lines)
    assert "100 %" not in done.text


@pytest.mark.heavy
@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_the_bar_has_room_on_one_line(tmp_path: Path, width: int) -> None:
    title = "a classifier, its ONNX and int8 (all-minilm-l6-v2); leaderboard and tagger"
    done = shown(tmp_path, steps(seconds=0.1), title, width=width)
    states = [line for line in done.lines if "a class" in line]
    assert states
    assert max(map(len, states)) <= width
    # Every state is drawn over the last one: one that was wrapped would leave a line behind.
    assert done.text.count("\x1b[1A") == 0
    assert any("100 %" in line for line in states)
    assert (title in done.text) == (width == 200)
    assert any("━" in line for line in states) == (width >= progress.BAR_FROM)


def test_control_c_ends_the_run_and_leaves_the_cursor_visible(tmp_path: Path) -> None:
    code = steps(count=1, last="time.sleep(60)")
    done = shown(tmp_path, code, until=lambda text: " 25 %" in text)
    assert HIDE in done.text
    assert done.cursor_is_visible
    assert "ended with" not in done.text
    assert "KeyboardInterrupt" in done.text  # the command line makes an exit status of it
    assert done.status != 0


def test_a_terminal_that_cannot_draw_gets_plain_lines(tmp_path: Path) -> None:
    done = shown(tmp_path, "", TERM="dumb")
    assert "\x1b" not in done.text
    assert re.search(r"  a run … \d+ s\r\nended with 0", done.text)
