"""`python -m hf_assets.demo`, as a person types it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pyarrow.parquet as pq
import pytest

from hf_assets.cli.status import lines_of
from hf_assets.demo import __main__ as command_line
from hf_assets.storage.lake import today
from hf_assets_tests.support.demo.in_process import demo_here

SMALL = ("--models", "2000", "--spaces", "800")
HUB = ("--only", "hub", "--days", "0")
ASSETS = (
    *("raw_models", "raw_spaces", "models", "enriched_spaces", "top_models"),
    *("model_usage", "daily_metrics", "snapshot_figures"),
)
# Neither is of the Hub's form: the embedded Hub answers 401 to a request that carries one.
SECRETS = {
    "HF_TOKEN": "first-secret-of-a-person",
    "HUGGING_FACE_HUB_TOKEN": "second-secret-of-a-person",
}
# The discard port: nobody answers there.
NOBODY = "http://127.0.0.1:9"
DEAD_PROXY = {"HTTP_PROXY": NOBODY, "http_proxy": NOBODY, "NO_PROXY": ""}


def demo(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end, with what it started should it not end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hf_assets.demo", *arguments],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, complaint = process.communicate(timeout=1200)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
    return subprocess.CompletedProcess(process.args, process.returncode, said, complaint)


def table(said: str) -> dict[str, tuple[str, ...]]:
    """Rows, seconds and file by asset, as printed."""
    lines = (line.split() for line in said.splitlines())
    return {words[0]: tuple(words[1:]) for words in lines if words and words[0] in ASSETS}


@pytest.fixture(
    scope="module",
    params=["here", pytest.param("typed", marks=[pytest.mark.heavy, pytest.mark.release])],
)
def how(request: pytest.FixtureRequest) -> str:
    """Whether the demo runs in this process, with few figures, or as a person types it."""
    return request.param


@pytest.fixture(scope="module")
def root(how: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def first(how: str, root: Path) -> subprocess.CompletedProcess[str]:
    """The demo of a small Hub and two of its past days, for someone with a token and a proxy."""
    run = demo_here if how == "here" else demo
    options = (*SMALL, *HUB, "--days", "2")
    return run("run", "--data", str(root), *options, **SECRETS, **DEAD_PROXY)


def test_run_succeeds(first: subprocess.CompletedProcess[str]) -> None:
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(
    first: subprocess.CompletedProcess[str],
) -> None:
    assert first.args[2:4] == ["hf_assets.demo", "run"]
    assert first.returncode == 0, first.stderr


def test_run_prints_asset_rows_seconds_and_file(
    first: subprocess.CompletedProcess[str], root: Path, how: str
) -> None:
    printed = table(first.stdout)
    assert set(printed) == set(ASSETS)
    for asset, (rows, *seconds, file) in printed.items():
        if asset == "snapshot_figures":
            figures = list(Path(file).parent.glob("*.png"))
            assert int(rows) == len(figures) >= (8 if how == "typed" else 1)
            continue
        assert re.fullmatch(r"\d+\.\d", seconds[0])
        path = Path(file)
        assert path.is_file()
        assert path.is_relative_to(root)
        stored = (
            json.loads(path.read_bytes())["rows"]
            if path.suffix == ".json"
            else pq.read_metadata(path).num_rows
        )
        assert int(rows.replace(",", "")) == stored > 0
    assert printed["models"][0] == printed["raw_models"][0]
    assert printed["enriched_spaces"][0] == printed["raw_spaces"][0]


def test_run_says_where_the_figures_are_and_what_to_type_next(
    first: subprocess.CompletedProcess[str], root: Path
) -> None:
    said = first.stdout
    assert str(root / "snapshot_figures" / f"day={today()}") in said
    for words in ("make dev-demo", "make dev ", "HF_TOKEN=hf_", "capture_today"):
        assert words in said
    assert f"partition {today()}" in said


def test_run_tells_of_the_days_before_today(
    first: subprocess.CompletedProcess[str], root: Path
) -> None:
    day = date.fromisoformat(today())
    made = {path.parent.name for path in (root / "daily_metrics").glob("day=*/data.parquet")}
    assert made == {f"day={day - timedelta(back)}" for back in (0, 1, 2)}
    assert "2 days before today" in first.stdout
    assert len(re.findall(r"[1-9][\d,]* rows of (models|Spaces) on 2 days", first.stdout)) == 2
    assert str(root / "day_quality" / "data.parquet") in first.stdout
    assert "make insights" in first.stdout


def test_run_keeps_to_its_own_folder(first: subprocess.CompletedProcess[str], root: Path) -> None:
    assert first.returncode == 0
    assert [path.name for path in root.parent.iterdir()] == ["data"]


def test_no_token_is_sent_or_kept(first: subprocess.CompletedProcess[str], root: Path) -> None:
    assert first.returncode == 0
    for path in root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [secret for secret in SECRETS.values() if secret.encode() in content], path
    assert not [secret for secret in SECRETS.values() if secret in first.stdout + first.stderr]


def test_status_counts_the_days(first: subprocess.CompletedProcess[str], root: Path) -> None:
    lines = lines_of(root)
    words = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert words["models"][0] == words["raw_models"][0] == "3"
    assert words["day_quality"][0] == "all"
    assert any(line.startswith(f"Last capture: {today()}, ") for line in lines)
    assert "Missing: none" in lines
    assert "Captured, without all tables: none" in lines
    assert first.returncode == 0


@pytest.mark.release
@pytest.mark.heavy
@pytest.mark.parametrize("how", ["typed"], indirect=True)
def test_run_again(first: subprocess.CompletedProcess[str], root: Path) -> None:
    marker = root / "raw_models" / f"day={today()}" / "capture.json"
    before = marker.read_bytes()
    again = demo("run", "--data", str(root), *SMALL, *HUB)
    assert again.returncode == 0, again.stderr
    assert marker.read_bytes() == before
    for asset, (rows, *_) in table(first.stdout).items():
        assert table(again.stdout)[asset][0] == rows


@pytest.mark.release
@pytest.mark.heavy
def test_the_labels_end_in_a_tagger_and_scores_beside_their_floors(tmp_path: Path) -> None:
    data = tmp_path / "data"
    small = ("--questions", "900", "--datasets", "300")
    done = demo("run", "--data", str(data), "--only", "labels", *small, **SECRETS)
    assert done.returncode == 0, done.stderr
    for words in ("int8", "constant labels", "predict nothing", "TF-IDF", "are generated"):
        assert words in done.stdout
    space = data / "classifiers" / "questions" / "tagger_space"
    assert str(space) in done.stdout
    assert (space / "model" / "onnx" / "model_quantized.onnx").is_file()


def recorded(folder: Path, count: int) -> tuple[str, ...]:
    """Arguments that name two files of recorded rows."""
    common = {"createdAt": "2025-01-01T00:00:00.000Z", "likes": 3, "private": False}
    models: list[dict[str, Any]] = [
        {**common, "_id": f"65{at:022x}", "id": f"a/m{at}", "downloads": at, "tags": ["x"]}
        | ({"pipeline_tag": "text-generation"} if at % 2 else {})
        for at in range(count)
    ]
    spaces = [{**common, "_id": f"66{at:022x}", "id": f"b/s{at}", "models": ["a/m1"]}
              for at in range(7)]  # fmt: skip
    (folder / "models.json").write_text(json.dumps(models))
    (folder / "spaces.json").write_text(json.dumps({"spaces": spaces}))
    return (
        *("--models", str(folder / "models.json")),
        *("--spaces", str(folder / "spaces.json")),
    )


@pytest.mark.release
@pytest.mark.heavy
def test_run_from_recorded_listings(tmp_path: Path) -> None:
    done = demo("run", "--data", str(tmp_path / "data"), *HUB, *recorded(tmp_path, 33))
    assert done.returncode == 0, done.stderr
    printed = table(done.stdout)
    assert (printed["models"][0], printed["enriched_spaces"][0]) == ("33", "7")
    assert printed["model_usage"][0] == "1"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--faults", "nonsense"), "no fault is called 'nonsense'"),
        (("--faults", "429:x"), "429:x"),
        (("--question-faults", "nonsense"), "nonsense"),
        (("--dataset-faults", "nonsense"), "nonsense"),
        (("--archive-faults", "gaps=never"), "gaps=never"),
        (("--days", "-1"), "the archive begins on 2024-07-29"),
        (("--days", "999999"), "999999"),
        (("--recorded-questions", "no-such-folder"), "no-such-folder"),
        (("--models", "no-such-file.json"), "no-such-file.json"),
        (("--models", "-5"), "-5"),
        (("--port", "x"), "--port"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "run"])
def test_a_wrong_argument_is_told_in_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    for step in ("_wait", "Runs", "write_inputs"):
        monkeypatch.delattr(command_line, step)  # nothing begins
    data = () if command == "serve" else ("--data", str(tmp_path / "data"))
    with pytest.raises(SystemExit) as ended:
        command_line.main([command, *data, "--models", "50", "--spaces", "20", *arguments])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@pytest.mark.release
@pytest.mark.heavy
def test_a_run_that_fails_shows_the_end_of_its_log(tmp_path: Path) -> None:
    done = demo(
        *("run", "--data", str(tmp_path / "data"), *SMALL, *HUB),
        *("--faults", "cursor-loop:*@1/models"),
    )
    assert done.returncode not in (0, 2)
    assert "The run failed" in done.stderr
    assert "demo.log" in done.stderr
    assert "links back" in (tmp_path / "data" / "demo.log").read_text()
    assert table(done.stdout) == {}


def test_no_command_is_told(tmp_path: Path) -> None:
    done = demo()
    assert done.returncode == 2
    assert "usage: python -m hf_assets.demo" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_argument_ends_the_process_without_a_traceback() -> None:
    done = demo("serve", "--models", "no-such-file.json")
    assert done.returncode == 2
    assert "no-such-file.json" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def serving() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "hf_assets.demo", "serve", *SMALL, "--faults", "503@2/models"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that started the tests in the background has them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    yield process
    if process.poll() is None:
        process.kill()
        process.wait(10)


@pytest.mark.heavy
def test_serve_answers_until_it_is_interrupted(serving: subprocess.Popen[str]) -> None:
    assert serving.stdout
    line = serving.stdout.readline()
    found = re.search(r"HF_ENDPOINT=(http://127\.0\.0\.1:\d+)", line)
    assert found, line
    answer = httpx2.get(f"{found[1]}/api/models?limit=1000")
    assert len(answer.json()) == 1000
    assert int(answer.headers["X-Total-Count"]) > 1000
    assert httpx2.get(answer.links["next"]["url"]).status_code == 503
    spaces = httpx2.get(f"{found[1]}/api/spaces?limit=1000")
    assert len(spaces.json()) == int(spaces.headers["X-Total-Count"]) > 0
    serving.send_signal(signal.SIGINT)
    _, complaint = serving.communicate(timeout=10)
    assert serving.returncode in (0, 130)
    assert "Traceback" not in complaint
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(found[1])
