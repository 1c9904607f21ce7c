"""`hf-assets status` over a small lake: what is stored, missing and not trusted."""

from pathlib import Path

import pytest

from hf_assets.cli import main as cli
from hf_assets.cli import status
from hf_assets.object_store.path import StorePath
from hf_assets_tests.support.apps.captured_lake import write_captured_lake
from hf_assets_tests.support.apps.hub_lake import DAYS, STALLED, write_hub_lake
from hf_assets_tests.support.object_store.counting import CountingProxy


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lake = write_captured_lake(tmp_path / "lake")
    (lake.root / "dagster_home").mkdir()
    (lake.root / "dagster_home" / "history.db").write_bytes(bytes(2_500_000))
    monkeypatch.setattr(status, "today", lambda: "2026-11-23")
    return tmp_path / "lake"


def lines(root: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert cli.main(["status", "--data", str(root)]) == 0
    return capsys.readouterr().out.splitlines()


def test_each_table_has_its_days_and_size(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = {line.split()[0]: line.split()[1:] for line in lines(root, capsys) if line}
    assert said["models"][:3] == ["5", DAYS[0], DAYS[-1]]
    assert said["raw_models"][:3] == ["5", DAYS[0], DAYS[-1]]
    assert said["day_quality"][0] == "all"
    assert said["category_history"][0] == "all"
    assert said["dagster_home"] == ["2.5", "MB"]
    size = (root / "raw_models" / f"day={DAYS[0]}" / "capture.json").stat().st_size
    assert said["raw_models"][3:] == [f"{5 * size / 1000:.1f}", "kB"]


def test_what_is_missing_or_not_trusted_is_named(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = dict(line.split(": ", 1) for line in lines(root, capsys) if ": " in line)
    assert said["Last capture"] == (
        "2026-11-21, 1,234 models, 1,234 Spaces and 1,234 datasets, finished 2026-11-21 03:20 UTC"
    )
    assert said["Captured, without datasets"] == f"2 days: {DAYS[0]}, {DAYS[1]}"
    assert said["Today, 2026-11-23 (UTC)"] == "not captured yet"
    assert said["Missing"] == "2 of 7 days since 2026-11-16: 2026-11-19, 2026-11-22"
    assert said["Captured, without all tables"] == "1 days: 2026-11-21"
    assert said["Not trusted"] == f"1 of 5 days in day_quality: {STALLED} (stalled)"
    assert said["Disk use"].endswith(" MB")


def test_a_lake_without_captures_or_quality(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_hub_lake(tmp_path, history=False)
    said = "\n".join(lines(tmp_path, capsys))
    assert "Last capture: none" in said
    assert "Not trusted: unknown" in said


def test_nothing_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for root in (tmp_path, tmp_path / "no"):
        assert cli.main(["status", "--data", str(root)]) == 1
        said = capsys.readouterr().err
        assert f"nothing is stored in {root}" in said
        assert "hf-assets demo" in said


def test_another_s_folder_is_listed_with_its_size(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "lost+found").mkdir()
    said = {line.split()[0]: line.split()[1:] for line in lines(root, capsys) if line}
    assert said["lost+found"] == ["0", "B"]


def test_the_demos_lake_stands_in_for_an_empty_one(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "DEMO_DATA", root)
    monkeypatch.setattr(cli, "data_of", lambda given: tmp_path / "empty")
    assert cli.main(["status"]) == 0
    assert f"Lake: {root}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2_500_000, "2.5 MB"), (7.25e12, "7250.0 GB")],
)
def test_sizes(count: float, words: str) -> None:
    assert status.size(count) == words


def test_many_days_are_counted_and_the_last_are_named() -> None:
    assert status.named(["a", "b", "c", "d", "e", "f"], "days") == "6 days: …, b, c, d, e, f"


def test_of_a_store_the_tables_are_listed_once(
    root: Path,
    bucket: StorePath,
    store_proxy: CountingProxy,
    capsys: pytest.CaptureFixture[str],
) -> None:
    in_folder = {line.split()[0]: line.split()[1:] for line in lines(root, capsys) if line}
    assert cli.main(["copy", str(root), str(bucket)]) == 0
    capsys.readouterr()
    store_proxy.clear()
    assert cli.main(["status", "--data", str(bucket)]) == 0
    text = capsys.readouterr().out
    said = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line}
    tables = [name for name, words in in_folder.items() if words[:1] and words[0] in ("5", "all")]
    assert len(tables) > 10
    for name in tables:
        if name.startswith("raw_"):
            # The sizes are those of the pages, by the manifests: these captures have none.
            assert said[name][:3] == in_folder[name][:3]
        elif in_folder[name][0] == "5":
            assert said[name] == in_folder[name]
    assert "objects, " in text
    assert "of captures the pages that their manifests count" in text
    # A table may hold thousands of days: no list is longer than two requests a table.
    counts = store_proxy.counts()
    assert counts["LIST"] <= 6 * len(tables)
    listed = [each for each in store_proxy.asked if each.kind == "LIST"]
    assert max(each.size for each in listed) < 1 << 20


def test_a_store_that_refuses_is_one_sentence(
    bucket: StorePath, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "anotherSecretThanItsOwn")
    assert cli.main(["status", "--data", str(bucket)]) == 1
    said = capsys.readouterr()
    assert said.err == (
        f"Error: {bucket}: SignatureDoesNotMatch: set AWS_SECRET_ACCESS_KEY to the secret of that "
        "key\n"
    )
    for address in ("s3://Under_score/lake", "s3://key:secretword@bucket/lake"):
        assert cli.main(["status", "--data", address]) == 1
        error = capsys.readouterr().err
        assert error.startswith("Error: the address of a lake on a store is s3://bucket/prefix")
        assert "secretword" not in error
