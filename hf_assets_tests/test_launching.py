"""`hf-assets launch` of what cannot be run: a line that says what to give, not a stack trace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hf_assets.launching import MODULE, problem
from hf_assets.runner import process
from hf_assets.storage.lake import today

LAUNCH = [sys.executable, "-m", "hf_assets.cli.main", "launch"]


def test_it_launches_from_the_definitions() -> None:
    assert process.MODULE == MODULE


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("raw_models", None, None, None), f"name the day of raw_models: --partition {today()}, "),
        (("raw_models", None, None, None), ", or --partition-range "),
        (("raw_models,day_quality", None, None, None), "name the day of raw_models: "),
        (("datascience/base", None, None, None), "selects nothing: "),
        (("group:nothing", None, None, None), "--assets 'group:nothing' selects nothing"),
        (("+++(", None, None, None), "selects nothing: "),
        (("", None, None, None), "selects nothing"),
        (("questions/classifier", None, None, None), "name the base model of questions/classi"),
        (("raw_models", None, "2020-01-01", None), "raw_models: no partition '2020-01-01'"),
        (("raw_models", None, "yesterday", None), "'yesterday'; there are those from 2024-07-29"),
        (("raw_models", None, None, "2020-01-01...2026-11-01"), "no partition '2020-01-01'"),
        (("raw_models", None, None, "2026-11-01"), "--partition-range is FIRST...LAST"),
        (("raw_models", None, None, "2026-11-03...2026-11-01"), "the earlier day first"),
        (("raw_models", None, "2026-11-01", "2026-11-01...2026-11-02"), "one of them"),
        (("raw_models,day_quality", None, None, "2026-11-01...2026-11-02"), "range: day_quality"),
        (("day_quality", None, "2026-11-01", None), "day_quality: without partitions, so leave"),
        (("*", None, "2026-11-01", None), "days and base models cannot be launched together"),
        ((None, "no_job", None, None), "there is no job 'no_job': capture_today, "),
        ((None, "past_days", "2020-01-01", None), "past_days: no partition '2020-01-01'"),
        ((None, "thin_old_days", "2026-11-01", None), "so leave --partition out"),
    ],
)
def test_what_cannot_be_run_is_said_in_a_line(asked: tuple, words: str) -> None:
    said = problem(*asked)
    assert said is not None
    assert words in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "asked",
    [
        ("raw_models", None, "2026-11-01", None),
        ("raw_models,models", None, None, "2026-11-01...2026-11-02"),
        ("models,day_quality", None, "2026-11-01", None),
        (process.OVER_DAYS, None, None, None),
        (None, "past_days", None, "2026-11-01...2026-11-02"),
        (None, "thin_old_days", None, None),
        (None, None, None, None),
    ],
)
def test_what_can_be_run_is_left_to_dagster(asked: tuple) -> None:
    assert problem(*asked) is None


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--assets", "raw_models"], "Error: name the day of raw_models: --partition "),
        (["--assets", "raw_models", "--partition", "x", "--no-such"], "No such option"),
    ],
)
def test_a_launch_that_cannot_be_run_ends_with_2(
    asked: list[str], words: str, tmp_path: Path
) -> None:
    environ = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    command = [*LAUNCH, *asked, "--data", str(tmp_path)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
