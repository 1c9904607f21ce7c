"""A folder of recorded days: every format, many days a file, broken files, remarks."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_assets.hub.archive import row_reader
from hf_assets.hub.archive.base import ArchiveError
from hf_assets.hub.archive.hub_stats import HubStats
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.capture.from_archive import find_day
from hf_assets.hub.open_archive import open_archive
from hf_assets_tests.support.hub.recorded_folder import (
    DAY,
    EXPECTED,
    NEXT,
    ROWS,
    as_csv,
    put,
    rows,
    table,
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (f"{DAY}.json", ROWS),
        (f"scrape {DAY} final.json", {"models": ROWS, "count": 2}),
        (f"{DAY}.json.gz", gzip.compress(json.dumps(ROWS).encode(), mtime=0)),
        (f"{DAY}.jsonl", "\n".join(map(json.dumps, ROWS)) + "\n\n"),
        (f"{DAY}.ndjson.gz", gzip.compress("\n".join(map(json.dumps, ROWS)).encode(), mtime=0)),
        (f"{DAY}.csv", as_csv(ROWS)),
        (f"{DAY}.csv.gz", gzip.compress(b"\xef\xbb\xbf" + as_csv(ROWS).encode(), mtime=0)),
        (f"{DAY}.parquet", table(ROWS)),
        (f"day={DAY}/models.json", ROWS),
        ("all.csv", as_csv([{"day": DAY, **row} for row in ROWS])),
        ("all.jsonl", "\n".join(json.dumps({"date": f"{DAY}T01:02:03", **row}) for row in ROWS)),
        ("all.json", [{"day": DAY, **row} for row in ROWS]),
        ("one.json", {"date": DAY, "models": ROWS}),
        (
            "all.parquet",
            table([{"day": date.fromisoformat(DAY), **row} for row in ROWS]),
        ),
    ],
)
def test_every_format_says_the_same(tmp_path: Path, name: str, content: Any) -> None:
    put(tmp_path, name, content)
    put(tmp_path, "PROVENANCE.md", "2026-01-01")
    put(tmp_path, ".hidden/2026-01-01.json", "{")
    archive = RecordedDays(tmp_path)
    assert archive.days() == {DAY}
    assert rows(archive) == EXPECTED
    found = archive.find("models", DAY)
    assert found is not None
    assert found.facts["source"] == "folder"
    assert found.facts["file"] == name
    assert len(found.facts["file_sha256"]) == 64
    list(found.read())
    assert {"downloads", "likes", "createdAt", "tags"} <= found.seen
    assert {"gated", "gguf"} <= set(found.absent("models"))
    assert archive.find("models", NEXT) is None


def test_many_days_of_one_file_in_any_order(tmp_path: Path) -> None:
    lines = [{"day": DAY if n % 2 else NEXT, "id": f"a/{n}", "likes": n} for n in range(20)]
    put(tmp_path, "all.csv", as_csv(lines))
    archive = RecordedDays(tmp_path)
    assert archive.days() == {DAY, NEXT}
    assert [row["likes"] for row in rows(archive)] == list(range(1, 20, 2))
    assert [row["likes"] for row in rows(archive, NEXT)] == list(range(0, 20, 2))


@pytest.mark.parametrize("column", ["day", "date"])
@pytest.mark.parametrize("dtype", [pl.Datetime("us"), pl.Datetime("ns", "UTC"), pl.String])
def test_a_parquet_with_a_time_in_each_row_gives_each_row_once(
    tmp_path: Path, column: str, dtype: Any
) -> None:
    # The same models day after day: a `date` of theirs is the day of capture.
    lines = [{"id": f"a/{n % 3}", "likes": n} for n in range(7)]
    days = [NEXT if n == 3 else DAY for n in range(7)]
    times = pl.Series(
        column, [datetime.fromisoformat(f"{d}T01:02:0{n}") for n, d in enumerate(days)]
    )
    if dtype == pl.String:
        times = " " + times.dt.to_string("iso:strict")
    elif dtype.time_zone:
        times = times.dt.replace_time_zone("UTC")
    frame = pl.DataFrame(lines).with_columns(times.cast(dtype).alias(column))
    pq.write_table(frame.to_arrow(), tmp_path / "all.parquet", row_group_size=5)
    archive = RecordedDays(tmp_path)
    assert archive.days() == {DAY, NEXT}
    assert [row["likes"] for row in rows(archive)] == [0, 1, 2, 4, 5, 6]
    assert [row["likes"] for row in rows(archive, NEXT)] == [3]


def test_pages_have_a_bounded_number_of_rows(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(row_reader, "PAGE_ROWS", 3)
    put(tmp_path, f"{DAY}.json", [{"id": f"a/{n}"} for n in range(7)])
    found = RecordedDays(tmp_path).find("models", DAY)
    assert found is not None
    assert [page.ids for page in found.read()] == [
        ["name:a/0", "name:a/1", "name:a/2"],
        ["name:a/3", "name:a/4", "name:a/5"],
        ["name:a/6"],
    ]


def test_spaces_are_told_by_name_or_by_the_object(tmp_path: Path) -> None:
    space = {"id": "a/s", "_id": "7", "models": ["x/y"], "sdk": "gradio"}
    put(tmp_path, f"{DAY}.json", {"models": ROWS, "spaces": [space]})
    put(tmp_path, f"spaces/{NEXT}.json", [space])
    archive = RecordedDays(tmp_path)
    assert rows(archive, kind="spaces") == rows(archive, NEXT, "spaces") == [space]
    assert rows(archive) == EXPECTED
    assert archive.find("models", NEXT) is None
    absent = find_day(archive, "models", NEXT)
    assert absent is not None
    assert "has the Spaces of 2026-08-08 and no models" in absent.facts["absent_kind"]
    assert list(absent.read()) == []
    assert find_day(archive, "models", "2026-08-09") is None


def test_when_the_rows_were_fetched(tmp_path: Path) -> None:
    said = {f"{DAY}": f"{DAY}T21:41:45+09:00", NEXT: f"{NEXT}T21:41:45", "2026-08-09": None}
    for day, at in said.items():
        put(tmp_path, f"{day}.json", {"models": ROWS, "fetched_at": at})
    archive = RecordedDays(tmp_path)
    found = {day: archive.find("models", day) for day in said}
    times = {day: (one.time, one.facts["time_known"]) for day, one in found.items() if one}
    assert times == {
        DAY: (datetime(2026, 8, 7, 12, 41, 45, tzinfo=UTC), True),
        NEXT: (datetime(2026, 8, 8, 12, tzinfo=UTC), False),
        "2026-08-09": (datetime(2026, 8, 9, 12, tzinfo=UTC), False),
    }


def test_two_files_of_one_day_are_both_named(tmp_path: Path) -> None:
    put(tmp_path, f"a/{DAY}.json", ROWS)
    put(tmp_path, "many.csv", as_csv([{"day": d, "id": "a/x"} for d in (DAY, NEXT)]))
    archive = RecordedDays(tmp_path)
    with pytest.raises(ArchiveError, match=rf"a/{DAY}.json and many.csv both hold the models"):
        archive.find("models", DAY)
    assert rows(archive, NEXT) == [{"id": "a/x", "_id": "name:a/x"}]


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        (f"{DAY}.json", '[{"id": "a/x"},\n {"id": ', "line 2 column"),
        (f"{DAY}.json", b'["\xff"]', "invalid start byte"),
        (f"{DAY}.json", "7", "a int where a list of rows belongs"),
        (f"{DAY}.json", {"items": []}, "without a list under `models`, `spaces` or `datasets`"),
        (f"{DAY}.json", "[" * 200_000, "nested too deep"),
        (f"{DAY}.json.gz", gzip.compress(b"[]" * 90, mtime=0)[:-9], "end-of-stream"),
        (f"{DAY}.json.gz", b"plain", "Not a gzipped file"),
        (f"{DAY}.jsonl", '{"id": "a/x"}\n{"id"\n', "line 2:"),
        (f"{DAY}.jsonl", "7\n", "line 1: a int where an object belongs"),
        (f"{DAY}.csv", "id,likes\na/x,1\nb/y\n", "line 3: 1 cells where the header has 2"),
        (f"{DAY}.csv", 'id,likes\n"a/x,1\n', "line 2: unexpected end of data"),
        (f"{DAY}.csv", b"id,likes\na/\xff,1\n", "line 1: not UTF-8"),
        (f"{DAY}.csv", "id,id\n", "line 1: no header with each column once"),
        (f"{DAY}.csv", "name,likes\na/x,1\n", "line 1: no column `id`"),
        (f"{DAY}.csv", "", "line 1: no header"),
        (f"{DAY}.parquet", b"PAR1 no", "Parquet"),
        (f"{DAY}.parquet", pa.table({"name": ["a/x"]}), "no column `id`"),
        ("all.csv", f"day,id\n{DAY},a/x\nyesterday,b/y\n", "line 3: no day in day: 'yesterday'"),
        ("all.jsonl", json.dumps({"day": None, "id": "a"}), "line 1: no day in day: None"),
        ("all.json", [{"day": "2026-02-30", "id": "a"}], "row 0: no day in day"),
        ("all.parquet", pa.table({"day": ["x"], "id": ["a"]}), "row group 0: no day in day: 'x'"),
        (f"{DAY} to {NEXT}.csv", "id\na\n", "names more than one day"),
    ],
)
def test_a_broken_file_is_named_with_the_place(
    tmp_path: Path, name: str, content: Any, place: str
) -> None:
    put(tmp_path, name, content)
    archive = RecordedDays(tmp_path)
    with pytest.raises(ArchiveError) as raised:
        rows(archive)
    assert name in str(raised.value)
    assert place.lower() in str(raised.value).lower()
    assert raised.value.permanent


def test_a_folder_without_days_says_what_is_looked_for(tmp_path: Path) -> None:
    put(tmp_path, "notes.txt", "x")
    put(tmp_path, "config.json", {"models": []})
    put(tmp_path, "other.csv", "a,b\n1,2\n")
    with pytest.raises(ArchiveError, match=r"holds no recorded day: a file .*YYYY-MM-DD"):
        RecordedDays(tmp_path).days()


def test_other_json_is_passed_over_and_said_once(tmp_path: Path) -> None:
    put(tmp_path, f"{DAY}.json", ROWS)
    put(tmp_path, "package.json", {"name": "scraper", "version": "1.0.0"})
    put(tmp_path, "tool/empty.json", {})
    archive = RecordedDays(tmp_path)
    assert archive.remarks(DAY) == []  # nothing was looked at
    assert rows(archive) == EXPECTED
    (said,) = archive.remarks(DAY)
    assert "package.json, tool/empty.json passed over" in said
    assert archive.remarks(DAY) == []


def test_many_files_passed_over_are_a_short_remark(tmp_path: Path) -> None:
    put(tmp_path, f"{DAY}.json", ROWS)
    for number in range(25):
        put(tmp_path, f"config{number:02}.json", {"a": 1})
    archive = RecordedDays(tmp_path)
    assert archive.days() == {DAY}
    (said,) = archive.remarks(DAY)
    assert "config09.json and 15 more passed over" in said


def test_an_object_that_claims_a_day_and_has_no_rows_is_an_error(tmp_path: Path) -> None:
    put(tmp_path, "one.json", {"date": DAY, "model": ROWS})
    with pytest.raises(ArchiveError, match=r"one.json .*without a list under `models`"):
        RecordedDays(tmp_path).days()


def test_days_before_the_first_are_counted_once(tmp_path: Path) -> None:
    for day in ("2023-01-02", "2023-01-01", DAY):
        put(tmp_path, f"{day}.json", ROWS)
    archive = RecordedDays(tmp_path)
    archive.days()
    (said,) = archive.remarks(DAY)
    assert f"2 days of the folder {tmp_path.name} lie before {DAY}" in said
    assert "set HF_ASSETS_FIRST_DAY=2023-01-01" in said
    assert archive.remarks(DAY) == []


def test_the_setting_names_a_folder_a_dataset_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_archive("none") is None
    assert open_archive(" ") is None
    assert isinstance(open_archive(str(tmp_path)), RecordedDays)
    assert isinstance(open_archive("cfahlgren1/hub-stats"), HubStats)
    for wrong in (str(tmp_path / "gone"), "hub-stats", "a/b/c", "../x", "a/b?c"):
        with pytest.raises(ArchiveError, match="HF_ASSETS_ARCHIVE"):
            open_archive(wrong)
