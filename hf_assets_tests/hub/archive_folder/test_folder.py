"""A folder of recorded days: which file is which day, and what its rows become."""

import csv
import gzip
import json
from collections.abc import Callable
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
from hf_assets.hub.capture.from_archive import find_day, from_archive
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.rows import Kind, parse_page
from hf_assets.hub.open_archive import open_archive
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake

DAY, NEXT = "2026-08-07", "2026-08-08"
ROWS: list[dict[str, Any]] = [
    {"id": "a/x", "downloads": 5, "likes": 2, "createdAt": "2024-01-02T03:04:05.000Z"},
    {"id": "b/<b>y</b>", "downloads": None, "likes": 0, "tags": ["t"]},
]


def put(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content)
    elif isinstance(content, pa.Table):
        pq.write_table(content, path)
    else:
        path.write_text(json.dumps(content))
    return path


def rows(archive: RecordedDays, day: str = DAY, kind: Kind = "models") -> list[dict[str, Any]]:
    """What a day says, as the strict parser reads it; nothing may be odd."""
    found = archive.find(kind, day)
    assert found is not None
    frames = [parse_page(kind, 0, page.body) for page in found.read()]
    assert [odd for _, one in frames for odd in one] == []
    kept = [row for frame, _ in frames for row in frame.to_dicts()]
    return [{k: v for k, v in row.items() if v is not None} for row in kept]


def as_csv(found: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in found for name in row))
    lines = [names, *([row.get(name, "") for name in names] for row in found)]
    return "\n".join(",".join(f'"{"" if v is None else v}"' for v in line) for line in lines) + "\n"


def table(found: list[dict[str, Any]]) -> pa.Table:
    return pl.DataFrame(found, infer_schema_length=None).to_arrow()


EXPECTED = [
    {**ROWS[0], "_id": "name:a/x"},
    {"id": "b/<b>y</b>", "likes": 0, "tags": ["t"], "_id": "name:b/<b>y</b>"},
]


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
        (f"{DAY}.json", {"items": []}, "without a list under `models` or `spaces`"),
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


Recover = Callable[..., Any]


@pytest.fixture
def recovered(tmp_path: Path, lake: Lake) -> Recover:
    def recovered(content: Any, name: str = f"{DAY}.json") -> Any:
        put(tmp_path / "days", name, content)
        found = RecordedDays(tmp_path / "days").find("models", DAY)
        assert found is not None
        clock = lambda: datetime(2026, 11, 20, tzinfo=UTC)  # noqa: E731
        return from_archive(CaptureStore(lake, "raw_models"), DAY, "models", found, clock)

    return recovered


HOSTILE: list[Any] = [
    {"id": "<img src=x onerror=alert(1)>", "downloads": float("nan"), "tags": ["<script>"]},
    {"id": "../../etc/passwd", "downloads": -5, "likes": 2**70},
    {"id": "a/" + "x" * 100_000, "pipeline_tag": "\x00", "author": "A" * 100_000},
    {"id": "a/half\ud800", "likes": 1},
    {"id": "a/ok", "downloads": "twelve", "createdAt": "yesterday"},
    {"id": 7},
    {"likes": 1},
    ["no", "object"],
    None,
]


def test_hostile_rows_are_named_and_the_others_kept(recovered: Recover, lake: Lake) -> None:
    capture = recovered(HOSTILE)
    assert capture.rows == 9
    made = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    frame = made.frame.collect()
    ids = [str(row["id"]) for row in HOSTILE[:3]] + ["a/ok"]
    assert sorted(frame["id"].to_list()) == sorted(ids)
    assert frame["downloads"].to_list().count(0) == 1
    assert made.notes["clipped downloads"] == 1
    assert made.notes["quarantined"] == 5
    aside = made.aside("quarantine")
    assert aside is not None
    assert {"downloads", "likes", "createdAt"} <= set(aside["field"].drop_nulls())
    assert not [path for path in lake.root.rglob("*") if "passwd" in path.name]


def test_text_cells_of_a_csv_are_read_as_what_they_say(recovered: Recover, lake: Lake) -> None:
    cells = [
        {"id": "a/1", "downloads": "12.0", "gated": "False", "private": "True", "tags": "['x']"},
        {"id": "a/2", "downloads": "nan", "gated": "auto", "private": "", "tags": '["x"]'},
        {"id": "a/3", "downloads": "1.5e0", "gated": "no", "private": "perhaps", "tags": "x, y"},
        {"id": "a/4", "downloads": "9" * 25, "gated": "", "private": "2", "tags": "open('x')"},
        {"id": "a/5", "createdAt": "2024-01-02 03:04:05+00:00", "safetensors": "{'total': 9}"},
    ]  # fmt: skip
    names = list(dict.fromkeys(name for row in cells for name in row))
    folder = lake.root.parent / "days"
    folder.mkdir()
    with (folder / f"{DAY}.csv").open("w") as out:
        writer = csv.DictWriter(out, names, restval="")
        writer.writeheader()
        writer.writerows(cells)
    capture = recovered((folder / f"{DAY}.csv").read_bytes(), f"{DAY}.csv")
    made = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    frame = made.frame.collect().sort("id")
    assert frame["downloads"].to_list() == [12, None, None, None, None]
    assert frame["gated"].to_list() == ["false", "auto", None, None, None]
    assert frame["private"].to_list() == [True, None, None, None, None]
    assert frame["tags"].to_list() == [["x"], ["x"], None, None, None]
    assert frame["parameters"].to_list() == [None] * 4 + [9]
    assert frame["created_at"].drop_nulls().to_list() == [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)]
    assert made.notes["nulled downloads"] == 2
    assert made.notes["nulled private"] == 2
    assert made.notes["nulled tags"] == 2


def test_a_recovered_day_says_where_it_is_from(recovered: Recover, lake: Lake) -> None:
    capture = recovered({"models": ROWS, "fetched_at": f"{DAY}T21:41:45+09:00"})
    facts = capture.manifest.plain()
    assert (capture.source, facts["identity"], facts["total"]) == ("folder", "name", None)
    assert facts["started"] == facts["finished"] == "2026-08-07T12:41:45+00:00"
    assert facts["fields"] == ["createdAt", "downloads", "likes", "tags"]
    assert "trendingScore" in facts["absent"]
    stored = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    told = stored.provenance["raw_models"]
    assert (told["source"], told["file"], told["time_known"]) == ("folder", f"{DAY}.json", True)
    assert told["file_sha256"] == facts["file_sha256"]
    assert stored.frame.select(pl.col("trending_score").is_null().all()).collect().item()


def test_what_a_broken_day_began_does_not_stay(recovered: Recover, lake: Lake) -> None:
    with pytest.raises(ArchiveError, match="line 4001"):
        recovered("\n".join(['{"id": "a"}'] * 4000 + ["{"]), f"{DAY}.jsonl")
    assert list(lake.folder("raw_models", DAY).rglob("*.zst")) == []


def test_the_setting_names_a_folder_a_dataset_or_none(tmp_path: Path) -> None:
    assert open_archive("none") is None
    assert open_archive(" ") is None
    assert isinstance(open_archive(str(tmp_path)), RecordedDays)
    assert isinstance(open_archive("cfahlgren1/hub-stats"), HubStats)
    for wrong in (str(tmp_path / "gone"), "hub-stats", "a/b/c", "../x", "a/b?c"):
        with pytest.raises(ArchiveError, match="HF_ASSETS_ARCHIVE"):
            open_archive(wrong)
