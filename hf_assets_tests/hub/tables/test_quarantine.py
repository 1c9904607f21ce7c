"""Invalid rows and values: in quarantine with their reason, and counted."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hf_assets.demo.hub.faults import Faults
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client import listing
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake, StoredTable
from hf_assets_tests.conftest import DAY, ServeHub
from hf_assets_tests.support.hub.captures import (
    Row,
    by_id,
    made_models,
    model,
    open_capture,
    pages,
    recorded,
)


@pytest.fixture
def made(hub: ServeHub, lake: Lake, tmp_path: Path) -> Any:
    """`models` of rows written by hand, by way of HTTP, a capture and Parquet."""

    def made(*rows: Row, **faults: Any) -> StoredTable:
        return made_models(lake, hub(recorded(tmp_path / "hub", rows), Faults(**faults)))

    return made


def test_gates_are_words(made: Any) -> None:
    gates = [False, "auto", "manual", None, True, "sometimes"]
    stored = made(*(model(number, gated=gate) for number, gate in enumerate(gates)))
    found = stored.frame.collect().sort("hub_id")["gated"].to_list()
    assert found == ["false", "auto", "manual", None, "true", None]
    quarantine = stored.aside("quarantine")
    assert quarantine is not None
    assert quarantine["value"].to_list() == ["sometimes"]
    assert stored.notes["nulled gated"] == 1


@pytest.mark.parametrize("size", [3, 1000])
def test_the_quarantine_names_page_row_and_id(
    made: Any, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", size)
    rows = [model(number) for number in range(10, 0, -1)]
    rows[1]["gated"] = "sometimes"
    rows[4]["createdAt"] = "soon"
    rows[5]["lastModified"] = "never"
    rows[7]["likes"] = "five"
    # The Hub of these rows lists by creation and puts raw rows in the middle of the first page.
    stored = made(*rows, odd_rows={"models": [b'{"id":"no/identity"}']})
    quarantine = stored.aside("quarantine")
    assert quarantine is not None
    assert quarantine.columns[:4] == ["page", "row", "id", "field"]
    served = {}
    for number, body in pages(captured_again(stored)):
        for at, row in enumerate(json.loads(body)):
            served[number, at] = row["id"]
    assert len(served) == 11
    named = {field: (served[page, row], name) for page, row, name, field in
             quarantine.select("page", "row", "id", "field").iter_rows()}  # fmt: skip
    assert named.keys() == {"gated", "createdAt", "lastModified", "likes", None}
    for field, (there, name) in named.items():
        assert name == there, field
    assert named[None][1] == "no/identity"
    assert named["gated"][1] == rows[1]["id"]


def captured_again(stored: StoredTable) -> Capture:
    """The capture that a day was made of."""
    capture = open_capture(stored.path.parents[2] / "raw_models" / f"day={stored.day}")
    assert capture is not None
    return capture


def test_a_quarantine_of_before_is_still_read(made: Any) -> None:
    stored = made(model(1, gated="sometimes"))
    quarantine = stored.aside("quarantine")
    quarantine.drop("id").write_parquet(stored.path.with_name("quarantine.parquet"))
    assert stored.aside("quarantine").columns == ["page", "row", "field", "reason", "value", "day"]


def test_odd_rows_lie_in_quarantine_with_their_reason(made: Any) -> None:
    odd = [
        b"17",
        b'{"id":"no/identity","likes":3}',
        b'{"_id":"o1","id":"o/float","likes":1.5,"downloads":9223372036854775808}',
        b'{"_id":"o2","id":"o/scalar","tags":"nlp","safetensors":{},"pipeline_tag":"x"}',
        b'{"_id":"o3","id":"o/half\\ud83e"}',
        b'{"_id":"o4","id":"o/author","author":"a\\udd17"}',
    ]
    stored = made(*(model(number) for number in range(3)), odd_rows={"models": odd})
    rows = by_id(stored)
    assert len(rows) == 6
    assert rows["o/float"]["likes"] is rows["o/float"]["downloads"] is None
    assert rows["o/scalar"]["tags"] is rows["o/scalar"]["parameters"] is None
    assert rows["o/scalar"]["category"] == "x"
    assert rows["o/author"]["author"] == "o"  # as for any row without a readable author
    quarantine = stored.aside("quarantine")
    assert quarantine is not None
    assert quarantine.select("field", "reason", "value").sort("field", "value").rows() == [
        (None, "a int, no object", "17"),
        (None, "id: 'utf-8' codec can't encode character '\\ud83e' in position 6: surrogates not"
         " allowed", '{"_id": "o3", "id": "o/half\\ud83e"}'),
        (None, "no _id", '{"id": "no/identity", "likes": 3}'),
        ("author", "'utf-8' codec can't encode character '\\udd17' in position 1: surrogates not"
         " allowed", '"a\\udd17"'),
        ("downloads", "Expected `int` <= 9223372036854775807", "9223372036854775808"),
        ("likes", "Expected `int | null`, got `float`", "1.5"),
        ("tags", "Expected `array | null`, got `str`", '"nlp"'),
    ]  # fmt: skip
    assert quarantine["day"].unique().to_list() == [date(2026, 11, 20)]
    assert stored.notes["quarantined"] == 3
    assert stored.notes["nulled"] == 4
    assert stored.notes["nulled tags"] == 1
    assert stored.notes["served"] == 9


def test_the_quarantine_goes_when_it_is_empty(hub: ServeHub, lake: Lake, tmp_path: Path) -> None:
    served = hub(recorded(tmp_path, [model(1)]), Faults(odd_rows={"models": [b"17"]}))
    assert made_models(lake, served).aside("quarantine") is not None
    served.faults.odd_rows.clear()
    store = CaptureStore(lake, "raw_models")
    capture = served.capturer().get_or_capture(
        store, DAY, listing.ListingQuery.everything("models"), refetch=True
    )
    stored = lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    assert stored.aside("quarantine") is None
    assert not (stored.path.parent / "quarantine.parquet").exists()
