"""Options of the demo's command line: what results depend on, and what a lake is served by."""

import argparse
import json
from pathlib import Path

import pytest

from hf_assets.demo import __main__ as command_line
from hf_assets.demo.options import inputs, parser, served
from hf_assets.demo.record import DemoRecord
from hf_assets.storage.lake import today


def parsed(*words: str) -> argparse.Namespace:
    return parser("demo", None, None, command_line.COMMANDS).parse_args(words)


def recorded(data: Path, *words: str) -> DemoRecord:
    """The record of a lake that was built with those options, stored."""
    record = DemoRecord(
        begun=today(), first_day=today(), texts_from=today(), halves=inputs(parsed("run", *words))
    )
    data.mkdir(exist_ok=True)
    record.save(data)
    return record


@pytest.mark.parametrize(
    ("words", "half"),
    [
        (("--seed", "1"), "hub"),
        (("--models", "50"), "hub"),
        (("--hub-datasets", "50"), "hub"),
        (("--faults", "503:2"), "hub"),
        (("--archive-faults", "gaps=2026-11-01"), "hub"),
        (("--questions", "700"), "labels"),
        (("--datasets", "70"), "labels"),
        (("--question-faults", "quota=3"), "labels"),
        (("--latency", "1"), None),
        (("--port", "1"), None),
        (("--fresh",), None),
        (("--days", "3"), None),
    ],
)
def test_results_depend_on_some_options(words: tuple[str, ...], half: str | None) -> None:
    usual, other = inputs(parsed("run")), inputs(parsed("run", *words))
    assert {name for name in usual if usual[name] != other[name]} == ({half} if half else set())


def test_a_file_counts_by_its_content(tmp_path: Path) -> None:
    rows = tmp_path / "models.json"
    rows.write_text("[]")
    first = inputs(parsed("run", "--models", str(rows)))
    rows.write_text('[{"id": "a/b"}]')
    assert inputs(parsed("run", "--models", str(rows))) != first
    assert inputs(parsed("run", "--only", "labels")).keys() == {"labels"}


def test_a_lake_is_served_by_the_options_that_it_was_built_with(tmp_path: Path) -> None:
    rows, answers = tmp_path / "my models.json", tmp_path / "answers"
    rows.write_text("[]")
    answers.mkdir()
    record = recorded(
        *(tmp_path / "data", "--models", str(rows), "--seed", "3", "--questions", "7"),
        *("--recorded-questions", str(answers), "--faults", "503:2"),
    )
    options = served(record)
    assert options == {
        "models": str(rows),
        "spaces": "4000",
        "hub_datasets": None,
        "seed": 3,
        "questions": 7,
        "datasets": 1000,
        "recorded_questions": answers,
    }
    again = parser("demo", None, None, command_line.COMMANDS, options)
    assert inputs(again.parse_args(["dev"]))["labels"] == record.halves["labels"]
    assert again.parse_args(["dev", "--seed", "4"]).seed == 4


def test_dev_and_backfill_read_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path / "data", "--seed", "3", "--models", "77")
    seen: list[tuple[int, str]] = []

    def note(options: argparse.Namespace) -> int:
        seen.append((options.seed, options.models))
        return 0

    for name in ("run", "dev", "backfill"):
        monkeypatch.setitem(command_line.COMMANDS, name, note)
    lake = ["--data", str(tmp_path / "data")]
    assert command_line.main(["dev", *lake]) == 0
    assert command_line.main(["2026-09-01", *lake], command="backfill") == 0
    assert command_line.main(["run", *lake]) == 0
    assert seen == [(3, "77"), (3, "77"), (0, "10000")]


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ("2024-07-01...2024-07-30", "2024-07-29"),
        ("never", "no range of days"),
        (today(), "is after"),
    ],
)
def test_a_wrong_range_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], span: str, words: str
) -> None:
    recorded(tmp_path / "data", "--models", "50", "--spaces", "20")
    before = (tmp_path / "data" / "demo.json").read_bytes()
    with pytest.raises(SystemExit) as ended:
        command_line.main(["backfill", span, "--data", str(tmp_path / "data")])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
    assert (tmp_path / "data" / "demo.json").read_bytes() == before


@pytest.mark.parametrize("begun", [True, False])
def test_a_backfill_needs_a_demo_of_this_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], begun: bool
) -> None:
    if begun:
        (tmp_path / "demo.log").touch()
    assert command_line.main(["backfill", "2026-09-01", "--data", str(tmp_path)]) == 1
    assert "run the demo first" in capsys.readouterr().err
    assert not (tmp_path / "demo.json").exists()


def test_another_lake_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "raw_models").mkdir()
    (tmp_path / "raw_models" / "pages.json").write_text(json.dumps([]))
    assert command_line.main(["run", "--data", str(tmp_path)]) == 1
    assert "choose another folder with --data" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["raw_models"]


def test_the_demo_s_lake_is_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("run", "--data", "s3://bucket/lake")
    assert "`hf-assets cluster-demo` has one on a store" in capsys.readouterr().err
