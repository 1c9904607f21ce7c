"""`hf-assets copy`: a lake between folders and stores, complete whatever happens on the way."""

import dataclasses
import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hf_assets.classifiers import provenance
from hf_assets.cli.main import main
from hf_assets.copying.copy import Copy, Summary
from hf_assets.copying.folders import hashes
from hf_assets.copying.parts import STEPS
from hf_assets.hub.capture_store import files
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.object_store.listing import ChangedEntry, Entry, entries_below
from hf_assets.object_store.path import LakePath, StorePath
from hf_assets.storage.folders import is_stored
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.support.copied_lake import (
    ATTEMPT,
    DAYS,
    FOLDERS,
    NUMBERS,
    PAGES,
    TABLES,
    rows,
    small_lake,
)
from hf_assets_tests.support.deploy.running import until
from hf_assets_tests.support.object_store.counting import Answer, CountingProxy, Fault, Request
from hf_assets_tests.support.object_store.weed import Weed


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return small_lake(tmp_path_factory.mktemp("copied") / "lake")


@pytest.fixture(params=["folder", "store"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> LakePath:
    return tmp_path / "copy" if request.param == "folder" else request.getfixturevalue("bucket")


def copied(source: Any, target: Any, *, check: bool = False) -> Summary:
    return Copy(source, target, check=check, log=lambda _: None).run()


def content(root: Path) -> dict[str, str]:
    return {
        name: hashlib.sha256((root / name).read_bytes()).hexdigest()
        for name in entries_below(root)
        if not name.endswith(".lock")
    }


def test_a_lake_comes_back_from_a_store_as_it_was(
    lake: Lake, bucket: StorePath, tmp_path: Path
) -> None:
    before = content(lake.root)
    out = copied(lake.root, bucket)
    back = copied(bucket, tmp_path / "back")
    assert out.complete
    assert back.complete
    assert out.counts == back.counts
    there = content(tmp_path / "back")
    left = {name for names in out.left_out.values() for name in names}
    assert there.items() <= before.items()
    missing = before.keys() - there.keys()
    assert {name for name in missing if name not in left} == {
        "dagster_home/history.db", ".alarms/waiting/one.json",
    }  # fmt: skip
    assert content(lake.root) == before


def test_both_are_lakes(lake: Lake, target: LakePath, tmp_path: Path) -> None:
    copied(lake.root, target)
    if isinstance(target, StorePath):
        copied(target, tmp_path / "back")
        for folder in FOLDERS:
            assert hashes(target / folder, read=True) == hashes(lake.root / folder, read=True)
    else:
        copied(target, tmp_path / "back")
    other = Lake(tmp_path / "back")
    for name, day in TABLES:
        stored, there = lake.read(name, day), other.read(name, day)
        assert stored.frame.collect().equals(there.frame.collect())
        asides, copies = stored.asides, there.asides
        assert {name: rows.rows() for name, rows in asides.items()} == {
            name: rows.rows() for name, rows in copies.items()
        }
    assert other.days("numbers") == list(DAYS)
    assert other.months("number_history") == ["2026-10", "2026-11"]
    capture = CaptureStore(other, "raw_models").captures()[DAYS[0]]
    assert [capture.page(number) for number in capture.page_numbers()] == PAGES
    # The copy goes on as a lake of its own.
    other.write(NUMBERS, DAYS[0], TableWrite([rows(DAYS[0], [5])]))
    assert other.read("numbers", DAYS[0]).rows == 1


def test_a_note_beside_folders_makes_them_no_part_of_one(tmp_path: Path, target: LakePath) -> None:
    lake = small_lake(tmp_path / "with notes")
    notes = ("corpora", "classifiers/letters", "classifiers/letters/tiny")
    for folder in notes:
        (lake.root / folder / "note.txt").write_text("look here")
    assert copied(lake.root, target).complete
    for folder in FOLDERS[:2]:
        content = (lake.artefact(*folder.split("/")) / "facts.json").read_bytes()
        there = Lake(target).artefact(*folder.split("/"))
        assert (there / "facts.json").read_bytes() == content
    for folder in notes:
        assert (target / folder / "note.txt").read_bytes() == b"look here"
    if isinstance(target, StorePath):
        assert is_stored(target / FOLDERS[1])
        assert not is_stored(target / notes[-1])


def test_the_steps_of_a_base_model_are_those_of_a_training() -> None:
    assert {*provenance.STEPS} == STEPS


def test_what_is_there_is_not_sent_again(
    lake: Lake, store_proxy: CountingProxy, bucket: StorePath
) -> None:
    first = copied(lake.root, bucket)
    store_proxy.clear()
    again = copied(lake.root, bucket)
    assert again.complete
    assert again.counts["files there"] == first.counts["files copied"]
    counts = store_proxy.counts()
    assert counts.keys() <= {"LIST", "GET"}
    # A list for each group, and the markers of three folders.
    assert counts["GET"] <= 2 * len(FOLDERS)


def test_only_what_differs_goes(
    tmp_path: Path, store_proxy: CountingProxy, bucket: StorePath
) -> None:
    lake = small_lake(tmp_path / "lake")
    copied(lake.root, bucket)
    lake.write(NUMBERS, DAYS[1], TableWrite([rows(DAYS[1], [5, 6])]))
    (lake.root / FOLDERS[0] / "facts.json").write_text("other")
    compared = copied(lake.root, bucket, check=True)
    assert sorted(compared.differing) == [FOLDERS[0], f"numbers/day={DAYS[1]}"]
    store_proxy.clear()
    assert copied(lake.root, bucket).complete
    keys = {each.key.partition("/")[2] for each in store_proxy.asked if each.kind == "PUT"}
    assert {key.split("/v=")[0] for key in keys if "/v=" in key} == {FOLDERS[0]}
    assert {key for key in keys if "/v=" not in key} == {
        f"numbers/day={DAYS[1]}/data.parquet", f"{FOLDERS[0]}/folder.json",
    }  # fmt: skip
    assert copied(lake.root, bucket, check=True).complete


def test_markers_come_last(lake: Lake, store_proxy: CountingProxy, bucket: StorePath) -> None:
    copied(lake.root, bucket)
    put = [each.key.partition("/")[2] for each in store_proxy.asked if each.kind == "PUT"]
    for marker, data in {
        f"raw_models/day={DAYS[0]}/capture.json": f"raw_models/day={DAYS[0]}/{ATTEMPT}/",
        f"numbers/day={DAYS[0]}/data.parquet": f"numbers/day={DAYS[0]}/.rejected.",
        "number_history/months.json": "number_history/.months/",
        f"{FOLDERS[0]}/folder.json": f"{FOLDERS[0]}/v=",
        f"snapshot_figures/day={DAYS[0]}/figures.json": f"snapshot_figures/day={DAYS[0]}/one",
    }.items():
        before = [at for at, key in enumerate(put) if key.startswith(data)]
        assert before, data
        assert max(before) < put.index(marker), marker
    assert put.index("number_history/months.json") < put.index(
        "number_history/month=2026-11/data.parquet"
    )


def test_a_source_that_changes_is_noticed(
    tmp_path: Path, target: LakePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = small_lake(tmp_path / "lake")
    changing, original = lake.root / f"numbers/day={DAYS[1]}/data.parquet", Entry.parts

    def parts(self: Entry) -> Any:
        if self.path == changing:
            monkeypatch.setattr(Entry, "parts", original)
            lake.write(NUMBERS, DAYS[1], TableWrite([rows(DAYS[1], [5])]))
        return original(self)

    # The footer of a day with side tables is read first, then the day.
    monkeypatch.setattr(Entry, "parts", parts)
    summary = copied(lake.root, target)
    assert not summary.complete
    (name,) = summary.failed
    assert name.startswith("numbers")
    assert "changed while it was read: run this again" in summary.failed[name]
    assert f"{f'numbers/day={DAYS[1]}/data.parquet'}" not in entries_below(target)
    assert copied(lake.root, target).complete
    assert copied(lake.root, target, check=True).complete


@pytest.mark.parametrize(
    "after", [9, *(pytest.param(after, marks=pytest.mark.heavy) for after in (3, 17, 26))]
)
def test_a_copy_that_is_killed_shows_no_half_part_and_goes_on(
    lake: Lake, store_proxy: CountingProxy, bucket: StorePath, after: int
) -> None:
    store_proxy.faults.append(Fault("late", kinds=("PUT",), after=after, seconds=30))
    command = [sys.executable, "-m", "hf_assets.cli.main", "copy", str(lake.root), str(bucket)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        until(lambda: store_proxy.faults[0].hits, lambda: f"ended: {process.poll()}")
        process.send_signal(signal.SIGKILL)
    store_proxy.clear()
    assert_no_half_part(bucket)
    assert copied(lake.root, bucket).complete
    assert copied(lake.root, bucket, check=True).complete


def assert_no_half_part(bucket: StorePath) -> None:
    """What a marker names is there."""
    there = entries_below(bucket)
    for name in there:
        folder = name.rpartition("/")[0]
        if name.endswith("/folder.json"):
            hashes(bucket / folder, read=True)
        elif name.endswith("/months.json"):
            named = json.loads((bucket / name).read_bytes())["files"].values()
            assert {f"{folder}/.months/{file}" for file in named} <= there.keys()
        elif name.endswith("/capture.json"):
            pages = {f"{folder}/{ATTEMPT}/{number:06d}.json.zst" for number in range(3)}
            assert {*pages, f"{folder}/{ATTEMPT}/{files.JOURNAL}"} <= there.keys()
        elif name.startswith("numbers/") and name.endswith("/data.parquet"):
            assert any(other.startswith(f"{folder}/.rejected.") for other in there)


def test_a_store_with_hashes_of_its_own_is_read_back(
    lake: Lake, bucket: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every store has the MD5 as its tag."""
    monkeypatch.setattr(Entry, "md5", property(lambda _: ""))
    summary = copied(lake.root, bucket)
    assert summary.complete
    assert summary.counts["read back"] == summary.counts["files copied"]
    assert copied(lake.root, bucket).counts["files copied"] == 0


def test_a_connection_that_breaks_off_is_tried_again(
    lake: Lake, store_proxy: CountingProxy, bucket: StorePath, tmp_path: Path
) -> None:
    copied(lake.root, bucket)
    store_proxy.faults.append(Fault("cut", kinds=("GET",), times=3))
    store_proxy.faults.append(Fault("SlowDown", times=3))
    assert copied(bucket, tmp_path / "back").complete
    assert sum(fault.hits for fault in store_proxy.faults) == 6
    assert copied(lake.root, tmp_path / "back", check=True).complete


def test_the_command_says_what_it_did(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = str(tmp_path / "copy")
    assert main(["copy", str(lake.root), there]) == 0
    said = capsys.readouterr().out
    for line in (
        "There before: 0 files (0 B)",
        "Left out, of this machine: 3 (.alarms, dagster_home, last_run.log)",
        "Left out, not of a lake: 1 (lost+found/piece)",
        f"Left out, attempts of captures: 2 (raw_models/day={DAYS[0]}/",
        "Left out, hidden versions that nothing names: ",
        "Left out, locks and temporary files: ",
        "numbers: 9 files copied, 0 there",
    ):
        assert line in said, line
    assert main(["copy", "--check", str(lake.root), there]) == 0
    (tmp_path / "copy" / "all_numbers" / "data.parquet").unlink()
    assert main(["copy", "--check", str(lake.root), there]) == 1
    assert "Differs: all_numbers" in capsys.readouterr().out
    assert not (tmp_path / "copy" / "all_numbers" / "data.parquet").exists()


def test_a_private_lake_stays_private(lake: Lake, bucket: StorePath, tmp_path: Path) -> None:
    assert main(["copy", str(lake.root), str(bucket)]) == 0
    assert main(["copy", str(bucket), str(tmp_path / "back")]) == 0
    assert (tmp_path / "back").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("none", "copy", "nothing is stored in"),
        (".", "copy", "cannot be copied into itself"),
        (".", "s3://Bad_Bucket/x", "the address of a lake on a store is s3://bucket/prefix"),
    ],
)
def test_what_cannot_be_copied_is_said(
    source: str, target: str, words: str, lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    where = target if target.startswith("s3:") else str(lake.root / target)
    assert main(["copy", str(lake.root / source), where]) != 0
    assert words in capsys.readouterr().err


class OtherTags(CountingProxy):
    """A store whose answers to GET have other tags than its lists."""

    def ask(self, request: Request) -> Answer:
        answer = super().ask(request)
        if request.kind == "GET":
            answer.headers = [
                (name, f'"of-{value.strip(chr(34))}"' if name.lower() == "etag" else value)
                for name, value in answer.headers
            ]
        return answer


def test_tags_of_answers_may_differ_from_those_of_lists(
    lake: Lake,
    bucket: StorePath,
    store_server: Weed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied(lake.root, bucket)
    with OtherTags(store_server.port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        entry = entries_below(bucket)["all_numbers/data.parquet"]
        assert b"".join(entry.parts()) == (lake.root / "all_numbers/data.parquet").read_bytes()
        proxy.clear()
        with pytest.raises(ChangedEntry, match="changed while it was read"):
            [*dataclasses.replace(entry, tag='"another"').parts()]
        assert proxy.counts() == {"GET": 1, "LIST": 1}
