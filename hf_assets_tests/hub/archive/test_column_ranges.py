"""Ranges of a Parquet file as pages: rows, objections and notes are those that JSON would give."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hf_assets.hub.archive import column_ranges, ranged_file
from hf_assets.hub.archive.arrow_rows import ArrowRows, times_as_text
from hf_assets.hub.archive.base import ArchivedDay, ArchivedPage, ArchiveError
from hf_assets.hub.archive.column_ranges import StoredRanges, range_pages, stored_preview
from hf_assets.hub.archive.ranged_file import PartialFile, RangedFile, Span, fetched_ahead
from hf_assets.hub.capture.from_archive import from_archive
from hf_assets.hub.capture_store.manifest import CorruptCapture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client.connection import HubConnection
from hf_assets.hub.client.rows import parse_page
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import Serve
from hf_assets_tests.support.hub.past_hub import DAY, NOW, Past, model_table
from hf_assets_tests.support.hub.strict_archive import Strict, reader

ROWS = 9000
AT = dt.datetime(2024, 5, 6, 7, 8, 9, 123456, tzinfo=dt.UTC)
BASES = pa.struct(
    [("relation", pa.string()),
     ("models", pa.list_(pa.struct([("_id", pa.string()), ("id", pa.string())])))]
)  # fmt: skip


class Local(RangedFile):
    """A remote file whose bytes lie here."""

    def __init__(self, content: bytes) -> None:
        super().__init__(HubConnection("http://127.0.0.1:9"), "", len(content))
        self.content = content
        self.asked: list[Span] = []

    def fetch(self, span: Span) -> bytes:
        self.asked.append(span)
        return self.content[slice(*span)]


def usual(**others: Any) -> dict[str, Any]:
    bases = [{"relation": "finetune", "models": [{"_id": "1", "id": "a/b"}]}, None, {"models": []}]
    return {
        "_id": [f"{n:024x}" for n in range(ROWS)],
        "id": [f"a/m{n}" for n in range(ROWS)],
        "createdAt": pa.array([AT] * ROWS, pa.timestamp("us", "UTC")),
        "lastModified": pa.array([AT.replace(tzinfo=None)] * ROWS, pa.timestamp("ns")),
        "likes": [n % 7 for n in range(ROWS)],
        "trendingScore": pa.array([n / 3 for n in range(ROWS)], pa.float32()),
        "tags": [["x", f"t{n % 9}"] if n % 4 else None for n in range(ROWS)],
        "baseModels": pa.array([bases[n % 3] for n in range(ROWS)], BASES),
        "cardData": ["unneeded" * 50] * ROWS,
    } | others


def some(value: Any, others: Any, at: int = 4321) -> list[Any]:
    return [value if n == at else others for n in range(ROWS)]


def not_utf_8() -> pa.Array:
    offsets = pa.array(range(ROWS + 1), pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), ROWS, [None, offsets, pa.py_buffer(b"\xff" * ROWS)])


TABLES: dict[str, Callable[[], dict[str, Any]]] = {
    "usual": usual,
    "no id": lambda: usual(id=some(None, "a/x")),
    "an empty name": lambda: usual(id=some("", "a/x"), _id=some(None, "1")),
    "no _id": lambda: {name: column for name, column in usual().items() if name != "_id"},
    "an empty place in a list": lambda: usual(tags=some(["a", None], ["b"])),
    "a base without a name": lambda: usual(
        baseModels=pa.array(some({"models": [{"id": None}]}, None), BASES)
    ),
    "no base": lambda: usual(baseModels=pa.array(some({"models": [None]}, None), BASES)),
    "half a like": lambda: usual(likes=some(0.5, 3.0)),
    "no like is one": lambda: usual(likes=[0.5] * ROWS),
    "a score without end": lambda: usual(trendingScore=some(float("inf"), 0.5)),
    "an old time": lambda: usual(
        createdAt=pa.array(
            some(dt.datetime(1969, 12, 31, 23, 59, 59, 999999), AT.replace(tzinfo=None)),
            pa.timestamp("us"),
        )
    ),
    "texts of times": lambda: usual(createdAt=some("2024-05-06 07:08:09", "2024-05-06T07:08:09Z")),
    "a text that is no time": lambda: usual(createdAt=some("soon", "2024-05-06T07:08:09.000Z")),
    "two columns of a time": lambda: usual(
        created_at=["2023-01-02T03:04:05.000Z"] * ROWS,
        createdAt=pa.array(some(None, AT), pa.timestamp("ms", "UTC")),
    ),
    "lists as texts": lambda: usual(tags=["['a', 'b']"] * ROWS),
}


def recorded(table: dict[str, Any], group: int) -> tuple[list[ArchivedPage], ArchivedDay, bytes]:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(table), sink, row_group_size=group)
    content = sink.getvalue().to_pybytes()
    file, day = Local(content), ArchivedDay("x", AT, {})
    rows = ArrowRows(pq.ParquetFile(pa.PythonFile(file, mode="r")), "models")
    pages = [*range_pages(file, rows, lambda: rows.report.describe(day))]
    rows.report.describe(day)
    return pages, day, content


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("group", [2500, ROWS])
def test_rows_and_objections_are_those_of_json(name: str, group: int) -> None:
    pages, day, content = recorded(TABLES[name](), group)
    as_json = ArrowRows(pq.ParquetFile(pa.BufferReader(content)), "models")
    bodies = [*as_json.pages()]
    wanted = [(n, *parse_page("models", n, page.body)) for n, page in enumerate(bodies)]
    told = ArchivedDay("x", AT, {})
    as_json.report.describe(told)
    assert (day.seen, day.unread.keys(), day.facts) == (told.seen, told.unread.keys(), told.facts)
    ids = pl.concat([page.ids for page in pages if isinstance(page.ids, pl.Series)]).to_list()
    assert ids == [one for page in bodies for one in page.ids]
    assert sum(page.names for page in pages) == sum(page.names for page in bodies)
    stored = StoredRanges("models", pages[0].body)
    found = [one for page in reversed(pages) for one in stored.newest_first(page.body)]
    assert [number for number, _, _ in found] == [number for number, _, _ in reversed(wanted)]
    for (_, frame, invalid), (_, theirs, objected) in zip(found, reversed(wanted), strict=True):
        assert invalid == objected
        assert times_as_text(frame).equals(times_as_text(theirs)), name


def test_what_is_stored_is_as_the_archive_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_ranges, "SMALL", 0)
    pages, _, content = recorded(usual(), 2500)
    assert [len(page.ids) for page in pages] == [0, 2500, 2500, 2500, 1500], "the footer first"
    for page in pages:
        _, pieces = column_ranges._unpacked(page.body)
        assert all(content[at : at + len(piece)] == piece for at, piece in pieces)
    assert sum(len(page.body) for page in pages) < len(content) + 2000
    first = stored_preview("models", (page.body for page in pages), 3)
    assert first["id"].to_list() == ["a/m0", "a/m1", "a/m2"]


def test_a_large_row_group_is_read_backwards_from_a_spool(monkeypatch: pytest.MonkeyPatch) -> None:
    pages, _, _ = recorded(usual(), ROWS)
    monkeypatch.setattr(column_ranges, "BATCH_ROWS", 4000)
    assert column_ranges.BATCH_ROWS * 2 < ROWS
    stored = StoredRanges("models", pages[0].body)
    spooled = [*stored.newest_first(pages[0].body)]
    assert [number for number, _, _ in spooled] == [2, 1, 0]
    assert [frame["id"][0] for _, frame, _ in spooled] == ["a/m8000", "a/m4000", "a/m0"]


def test_bytes_that_are_not_stored_are_missed() -> None:
    file = PartialFile(100, [(0, b"abc"), (3, b"def")])
    file.seek(1)
    assert bytes(file.read(4)) == b"bcde", "across two pieces"
    with pytest.raises(OSError, match="bytes 6 to 9 of the file are not stored"):
        file.read(4)


def test_texts_that_are_no_utf_8_make_no_page() -> None:
    with pytest.raises(pa.ArrowInvalid, match="UTF8"):
        recorded(usual(author=not_utf_8()), ROWS)


def test_a_broken_column_makes_no_capture(serve: Serve, lake: Lake) -> None:
    strict = Strict(pa.table(usual()), row_group_size=3000, compression="snappy")
    chunk = pq.ParquetFile(pa.BufferReader(strict.content)).metadata.row_group(2).column(4)
    at = chunk.data_page_offset + chunk.total_compressed_size // 2
    strict.content = strict.content[: at - 400] + b"\xff" * 800 + strict.content[at + 400 :]
    found = reader(serve, strict).find("models", DAY)
    assert found is not None

    store = CaptureStore(lake, "raw_models")
    with pytest.raises(ArchiveError, match="cannot be read as Parquet"):
        from_archive(store, DAY, "models", found, lambda: NOW)
    assert store.complete(DAY) is None
    assert [*lake.folder("raw_models", DAY).rglob("*.zst")] == []


def test_a_day_keeps_ranges_and_says_so(past: Callable[..., Past], lake: Lake) -> None:
    world = past()
    capture = world.recover(lake, "models", DAY)
    assert capture.form == "ranges"
    assert {path.name.partition(".")[2] for path in capture.folder.rglob("*.zst")} == {"ranges.zst"}
    before = model_table(lake, capture, DAY).frame.collect()
    assert before.height == capture.distinct
    page = next(iter(capture.folder.rglob("*.zst")))
    page.write_bytes(page.read_bytes()[:-9])
    with pytest.raises(CorruptCapture, match="refetch"):
        model_table(lake, capture, DAY)


def test_groups_come_in_order_and_few_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranged_file, "AHEAD_BYTES", 25)
    asked: list[Span] = []

    def fetch(span: Span) -> bytes:
        asked.append(span)
        return bytes(span[1] - span[0])

    groups = [[(n * 10, n * 10 + 4), (n * 10 + 5, n * 10 + 9)] for n in range(9)]
    coming: Iterator[Any] = fetched_ahead(fetch, groups)
    assert [at for at, _ in next(coming)] == [0, 5]
    assert len(asked) <= 8, "the group, and 25 bytes of those after it"
    assert [at for pieces in coming for at, _ in pieces] == [
        begin for group in groups[1:] for begin, _ in group
    ]


def test_the_first_error_ends_all() -> None:
    def fetch(span: Span) -> bytes:
        if span[0] == 20:
            raise ArchiveError("gone")
        return b"x"

    coming = fetched_ahead(fetch, [[(n * 10, n * 10 + 1)] for n in range(500)])
    assert next(coming) == [(0, b"x")]
    with pytest.raises(ArchiveError, match="gone"):
        list(coming)
