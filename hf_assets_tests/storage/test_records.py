"""Records read what earlier versions wrote, and write the keys that those read."""

import json
from typing import Any

import msgspec
import polars as pl
import pytest

from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.storage.records import CaptureProvenance, Footer, Record
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.slow_writer import NUMBERS, numbers, put


class Counts(Record):
    """Counts with a key of their own."""

    rows: int = 0
    left_out: int = msgspec.field(default=0, name="left out")


def test_a_record_has_the_keys_of_its_fields_and_ignores_others() -> None:
    assert Counts(rows=1, left_out=2).to_json() == {"rows": 1, "left out": 2}
    assert Counts.read({"left out": 3, "more": None}) == Counts(left_out=3)
    with pytest.raises(msgspec.ValidationError):
        Counts.read({"rows": "many"})


def test_a_record_and_notes_are_written_together(lake: Lake) -> None:
    content = TableWrite([numbers(0, 3)], {"späte Notiz": 0.5}, record=Counts(rows=3))
    stored = lake.write(NUMBERS, DAY, content)
    assert stored.notes == content.all_notes() == {"rows": 3, "left out": 0, "späte Notiz": 0.5}


def test_a_record_is_written_as_it_is_when_the_last_row_is(lake: Lake) -> None:
    counts = Counts()

    def frames() -> Any:
        yield numbers(0, 3)
        counts.left_out = 7

    assert lake.write(NUMBERS, DAY, TableWrite(frames(), record=counts)).notes["left out"] == 7


def test_the_footer_has_the_keys_of_every_version(lake: Lake) -> None:
    stored = lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)]))
    assert list(stored.file.footer()) == [
        "day", "rows", "notes", "provenance", "seconds", "aside", "list_nulls"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("footer", "notes"),
    [
        ({}, {}),
        ({"notes": {"rows": 3}}, {"rows": 3}),
        ({"day": DAY, "rows": 3, "notes": {}, "provenance": {"raw": {"endpoint": "x"}}}, {}),
        ({"day": DAY, "rows": 3, "aside": {}, "written by": "a later version"}, {}),
    ],
)
def test_a_footer_of_another_version_is_read(
    lake: Lake, footer: dict[str, Any], notes: dict[str, Any]
) -> None:
    path = lake.write(NUMBERS, DAY, TableWrite([numbers(0, 3)])).path
    put(path, pl.read_parquet(path.read_bytes()), metadata={"hf_assets": json.dumps(footer)})
    stored = lake.read("numbers", DAY)
    assert (stored.rows, stored.notes, stored.seconds) == (3, notes, 0.0)
    assert lake.notes("numbers", DAY) == notes
    assert stored.provenance == footer.get("provenance", {})
    assert Footer.read(footer).aside == footer.get("aside")
    assert stored.capture("raw").endpoint == ("x" if "provenance" in footer else None)


@pytest.mark.parametrize(
    ("summary", "origin"),
    [
        ({}, "an unknown Hub"),
        ({"endpoint": "https://hub"}, "https://hub"),
        ({"endpoint": "https://hub", "file": "a.json"}, "a.json"),
        ({"dataset": "a/b", "revision": "0123456789abcdef"}, "a/b at 0123456789ab"),
        ({"dataset": "a/b", "revision": "c" * 40, "file": "m"}, f"a/b at {'c' * 12}, m"),
    ],
)
def test_the_origin_of_a_capture(summary: dict[str, Any], origin: str) -> None:
    assert CaptureProvenance.read(summary).origin == origin


def test_a_summary_of_an_early_version_has_defaults() -> None:
    capture = CaptureProvenance.read({"endpoint": "https://hub", "started": "2026", "pages": 3})
    assert (capture.source, capture.identity, capture.time_known) == ("captured", "hub", True)
    assert (capture.limited, capture.absent, capture.absent_kind) == (False, [], None)
