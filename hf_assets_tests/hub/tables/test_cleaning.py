"""Captures → `models` and `enriched_spaces`: typed, each row once, nothing invented."""

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count as counting
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.demo.hub.app import create_app
from hf_assets.demo.hub.faults import Faults
from hf_assets.demo.service.server import LoopbackServer
from hf_assets.demo.service.switches import At
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.capture_store.capture import Capture, open_capture
from hf_assets.hub.capture_store.manifest import CorruptCapture
from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.hub.client import listing
from hf_assets.hub.client.rows import Kind
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake, StoredTable, iso
from hf_assets_tests.conftest import DAY, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import (
    Row,
    by_id,
    captured,
    hub_id,
    made_models,
    made_spaces,
    model,
    pages,
    recorded,
    rows_of,
)
from hf_assets_tests.support.hub.wild_rows import as_json, reading, wild_rows


@pytest.fixture
def made(hub: ServeHub, lake: Lake, tmp_path: Path) -> Any:
    """`models` of rows written by hand, by way of HTTP, a capture and Parquet."""

    def made(*rows: Row, **faults: Any) -> StoredTable:
        return made_models(lake, hub(recorded(tmp_path / "hub", rows), Faults(**faults)))

    return made


def one(stored: StoredTable) -> Row:
    (row,) = stored.frame.collect().iter_rows(named=True)
    return row


# Models


def test_a_whole_row(made: Any) -> None:
    stored = made(
        {
            "_id": hub_id(1),
            "id": "google/bert",
            "author": "google",
            "createdAt": "2023-05-06T07:08:09.123Z",
            "lastModified": "2024-01-02T03:04:05.000Z",
            "downloads": 10,
            "downloadsAllTime": 1000,
            "likes": 7,
            "trendingScore": 2.8000000000000003,
            "pipeline_tag": "fill-mask",
            "library_name": "transformers",
            "tags": ["bert", "license:mit", "license:apache-2.0", "base_model:a/b"],
            "gated": "manual",
            "private": False,
            "safetensors": {"parameters": {"F32": 5}, "total": 5},
            "gguf": {"total": 9},
            "baseModels": {"relation": "finetune", "models": [{"_id": "x", "id": "google/base"}]},
            "usedStorage": 2**40,
        }
    )
    assert stored.frame.collect_schema() == schemas.MODELS.schema
    assert one(stored) == {
        "day": date(2026, 11, 20),
        "hub_id": hub_id(1),
        "id": "google/bert",
        "author": "google",
        "created_at": datetime(2023, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC),
        "last_modified": datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
        "year": 2023,
        "floor_dated": False,
        "downloads": 10,
        "downloads_all_time": 1000,
        "likes": 7,
        "trending_score": 2.8000000000000003,
        "category": "fill-mask",
        "library": "transformers",
        "license": "mit",
        "tags": ["bert", "license:mit", "license:apache-2.0", "base_model:a/b"],
        "gated": "manual",
        "private": False,
        "parameters": 5,
        "base_models": [{"id": "google/base", "relation": "finetune"}],
        "used_storage": 2**40,
    }
    assert stored.notes["rows"] == stored.notes["served"] == 1
    assert stored.notes["nulled"] == stored.notes["quarantined"] == stored.notes["doubled"] == 0
    assert stored.aside("quarantine") is None


def test_what_the_hub_does_not_say_stays_null(made: Any) -> None:
    stored = made({"_id": hub_id(1), "id": "gpt2"})
    said = {name: value for name, value in one(stored).items() if value is not None}
    assert said == {"day": date(2026, 11, 20), "hub_id": hub_id(1), "id": "gpt2"}
    assert stored.notes["nulled"] == 0
    assert stored.notes["without category"] == 1


def test_categories_are_never_invented(made: Any) -> None:
    stored = made(
        model(1, tags=["text-generation", "transformers"], library_name="transformers"),
        model(2, pipeline_tag="text-generation"),
        model(3, pipeline_tag="never-heard-of"),
        model(4, pipeline_tag=None),
    )
    found = stored.frame.collect().sort("hub_id")["category"].to_list()
    assert found == [None, "text-generation", "never-heard-of", None]
    assert stored.notes["without category"] == 2


@pytest.mark.parametrize(
    ("row", "author"),
    [
        ({"id": "a/b"}, "a"),
        ({"id": "a/b", "author": "other"}, "other"),
        ({"id": "gpt2"}, None),
        ({"id": "a/b/c"}, "a"),
        ({"id": "/b"}, None),
        ({"id": "/"}, None),
    ],
)
def test_the_author_is_served_or_the_first_part_of_the_id(
    made: Any, row: Row, author: str | None
) -> None:
    assert one(made({"_id": "1", **row}))["author"] == author


def test_negative_counters_are_clipped_and_counted(made: Any) -> None:
    stored = made(
        model(1, downloads=-5, downloadsAllTime=-1, likes=-(2**63), trendingScore=-0.5),
        model(2, downloads=-1, downloadsAllTime=3, likes=0, trendingScore=0),
        model(3, downloads=7, likes=2, trendingScore=1.5),
    )
    counters = ["downloads", "downloads_all_time", "likes", "trending_score"]
    assert stored.frame.sort("hub_id").select(counters).collect().rows() == [
        (0, 0, 0, 0.0),
        (0, 3, 0, 0.0),
        (7, None, 2, 1.5),
    ]
    clipped = {name: count for name, count in stored.notes.items() if "clipped" in name}
    assert clipped == {
        "clipped downloads": 2,
        "clipped downloadsAllTime": 1,
        "clipped likes": 1,
        "clipped trendingScore": 1,
    }


def test_the_floor_date_is_flagged(made: Any) -> None:
    stored = made(
        model(1) | {"createdAt": "2022-03-02T23:29:04.000Z"},
        model(2) | {"createdAt": "2022-03-02T23:29:05.000Z"},
        model(3) | {"createdAt": "2022-03-03T00:00:00.000Z"},
        {"_id": hub_id(4), "id": "x/y"},
    )
    frame = stored.frame.sort("hub_id").select("floor_dated", "year").collect()
    assert frame.rows() == [(True, 2022), (True, 2022), (False, 2022), (None, None)]
    assert stored.notes["floor dated"] == 2


def test_a_date_that_is_none_is_null_and_counted(made: Any) -> None:
    stored = made(
        model(1) | {"createdAt": "yesterday"},
        model(2) | {"createdAt": "2024-02-30T00:00:00.000Z"},
        model(3, lastModified="2024-13-01T00:00:00.000Z"),
        model(4, lastModified="2024-05-01T00:00:00Z"),
    )
    frame = by_id(stored)
    assert frame["author1/model-0001"]["created_at"] is None
    assert frame["author2/model-0002"]["created_at"] is None
    assert frame["author0/model-0003"]["last_modified"] is None
    assert frame["author1/model-0004"]["last_modified"] == datetime(2024, 5, 1, tzinfo=UTC)
    assert stored.notes["nulled createdAt"] == 2
    assert stored.notes["nulled lastModified"] == 1


@pytest.mark.parametrize(
    ("tags", "license_name"),
    [
        (["license:mit"], "mit"),
        (["x", "license:other", "license:mit"], "other"),
        (["License:mit", "a-license:mit"], None),
        (["license:"], ""),
        ([], None),
        (None, None),
    ],
)
def test_the_license_is_the_first_license_tag(
    made: Any, tags: list[str] | None, license_name: str | None
) -> None:
    assert one(made(model(1, tags=tags)))["license"] == license_name


BASES = [
    (None, ["base_model:a/b"], [("a/b", None)]),
    (None, ["base_model:a/b", "base_model:finetune:a/b"], [("a/b", "finetune")]),
    (None, ["base_model:adapter:a/b", "base_model:c/d", "base_model:a/b"],
     [("a/b", "adapter"), ("c/d", None)]),
    (None, ["base_model:merge:a/b", "base_model:merge:c/d"], [("a/b", "merge"), ("c/d", "merge")]),
    (None, ["base_model:quantized:a/b"], [("a/b", "quantized")]),
    (None, ["base_model:unheard:a/b"], [("unheard:a/b", None)]),
    (None, ["base_model:"], None),
    (None, ["base_models:a/b", "x"], None),
    (None, None, None),
    ({"relation": "finetune", "models": [{"id": "a/b"}]}, ["base_model:adapter:c/d"],
     [("a/b", "finetune")]),
    ({"relation": "merge", "models": [{"id": "a/b"}, {"id": "c/d"}]}, None,
     [("a/b", "merge"), ("c/d", "merge")]),
    ({"models": [{"id": "a/b"}]}, None, [("a/b", None)]),
    ({"relation": "merge"}, ["base_model:finetune:c/d"], [("c/d", "finetune")]),
]  # fmt: skip


def test_base_models_are_served_or_read_from_tags(made: Any) -> None:
    stored = made(
        *(
            model(number, baseModels=served, tags=tags)
            for number, (served, tags, _) in enumerate(BASES)
        )
    )
    found = stored.frame.collect().sort("hub_id")["base_models"].to_list()
    for (served, tags, wanted), bases in zip(BASES, found, strict=True):
        as_pairs = bases and sorted((base["id"], base["relation"]) for base in bases)
        assert as_pairs == (wanted and sorted(wanted)), (served, tags)


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


@pytest.mark.parametrize(
    ("fields", "parameters"),
    [
        ({"safetensors": {"total": 5}, "gguf": {"total": 6}}, 5),
        ({"gguf": {"total": 6}}, 6),
        ({"safetensors": {"parameters": {"F32": 1}}, "gguf": {"total": 6}}, 6),
        ({"safetensors": {}}, None),
        ({"safetensors": None, "gguf": None}, None),
    ],
)
def test_parameters_are_of_safetensors_else_of_gguf(
    made: Any, fields: Row, parameters: int | None
) -> None:
    assert one(made(model(1, **fields)))["parameters"] == parameters


# Doubles


def test_of_doubled_rows_the_newest_page_wins(
    hub: ServeHub, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 10)
    monkeypatch.setattr(cleaning, "BATCH_PAGES", 2)
    old = [model(number, likes=0) for number in range(40)]
    source = recorded(tmp_path / "hub", old)
    # The youngest three come again on the last page, as they are by then.
    again = [as_json({**row, "likes": 5, "id": f"renamed/{row['_id']}"}) for row in old[-3:]]
    served = hub(source, Faults(odd_rows={"models": again}, odd_page=4))
    stored = made_models(lake, served)
    frame = stored.frame.collect()
    assert frame.height == frame["hub_id"].n_unique() == 40
    newer = frame.filter(pl.col("likes") == 5)
    assert sorted(newer["hub_id"]) == [hub_id(number) for number in (37, 38, 39)]
    assert all(name.startswith("renamed/") for name in newer["id"])
    assert stored.notes["doubled"] == 3
    assert (stored.notes["served"], stored.notes["rows"]) == (43, 40)


@pytest.mark.parametrize("batch", [1, 2, 128])
def test_rows_repeated_from_page_to_page_are_kept_once(
    hub: ServeHub, lake: Lake, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 100)
    monkeypatch.setattr(cleaning, "BATCH_PAGES", batch)
    source = GeneratedHub(900, 0, seed=4, day=iso(DAY))
    faults = Faults(duplicates=[At(page=page, value=0.1) for page in range(1, 9)])
    served = hub(source, faults)
    stored = made_models(lake, served)
    capture = captured(lake, served)
    frame = stored.frame.collect()
    assert capture.manifest.distinct == frame.height == frame["hub_id"].n_unique() == 900
    assert stored.notes["doubled"] == capture.rows - 900 == 80
    assert stored.notes["served"] == capture.rows


@given(st.lists(st.lists(st.integers(0, 30), max_size=8), min_size=1, max_size=6))
def test_newest_keeps_the_first_it_is_shown(batches: list[list[int]]) -> None:
    newest, seen = cleaning.Newest(), set()
    for numbers in batches:
        frame = pl.DataFrame(
            {"_id": [hub_id(number) for number in numbers], "row": range(len(numbers))},
            schema={"_id": pl.String, "row": pl.Int64},
        )
        fresh = []
        for row, number in enumerate(numbers):
            if number not in seen:
                seen.add(number)
                fresh.append(row)
        assert newest.keep(frame)["row"].to_list() == fresh


# Odd rows


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


@pytest.fixture(scope="module")
def odd_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHub]:
    """A Hub of three models and three Spaces, and what a test puts among them."""
    plain = [model(number, likes=number) for number in range(3)]
    app = create_app(recorded(tmp_path_factory.mktemp("hub"), plain, plain))
    with LoopbackServer(app) as server:
        yield ServedHub(app, server.url)


GATED = ("false", "auto", "manual", "true")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def moment(text: str | None) -> datetime | None:
    if text is None or not TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def bases(kept: Row) -> list[Row] | None:
    field = kept["baseModels"] or {}
    if field.get("models") is not None:
        relation = field["relation"]
        return [{"id": base["id"], "relation": relation} for base in field["models"]] or None
    found: dict[str, str | None] = {}
    for tag in kept["tags"] or []:
        match = re.match(
            r"base_model:(?:(finetune|adapter|quantized|merge):)?(.+)\Z", tag, re.DOTALL
        )
        if match:
            found[match[2]] = found.get(match[2]) or match[1]
    return [{"id": name, "relation": relation} for name, relation in found.items()] or None


def cleaned(kind: Kind, kept: Row) -> tuple[Row, set[str]]:
    """A row of the table by hand, and the fields whose value is left out here."""
    author = re.match(r"([^/]+)/", kept["id"])
    licenses = [tag[8:] for tag in kept["tags"] or [] if tag.startswith("license:")]
    created, modified = moment(kept["createdAt"]), moment(kept["lastModified"])
    out = {
        name
        for name, parsed in (("createdAt", created), ("lastModified", modified))
        if kept[name] is not None and parsed is None
    }
    clipped = {
        name: None if kept.get(name) is None else max(kept[name], 0)
        for name in ("likes", "trendingScore", "downloads", "downloadsAllTime")
    }
    row = {
        "day": date(2026, 11, 20),
        "hub_id": kept["_id"],
        "id": kept["id"],
        "author": kept["author"] if kept["author"] is not None else author and author[1],
        "created_at": created,
        "last_modified": modified,
        "likes": clipped["likes"],
        "trending_score": clipped["trendingScore"],
        "license": licenses[0] if licenses else None,
        "tags": kept["tags"],
        "private": kept["private"],
        "used_storage": kept["usedStorage"],
    }
    if kind == "spaces":
        runtime = kept["runtime"] or {}
        hardware = runtime.get("hardware") or {}
        current = hardware.get("current")
        models = list(dict.fromkeys(kept["models"] or []))
        datasets = list(dict.fromkeys(kept["datasets"] or []))
        return row | {
            "sdk": kept["sdk"],
            "stage": runtime.get("stage"),
            "hardware": current if current is not None else hardware.get("requested"),
            "models": models,
            "datasets": datasets,
            "n_models": len(models),
            "n_datasets": len(datasets),
            "categories": [],
        }, out
    totals = [(kept[name] or {}).get("total") for name in ("safetensors", "gguf")]
    if kept["gated"] not in (*GATED, None):
        out.add("gated")
    return row | {
        "year": created and created.year,
        "floor_dated": created and created.date() <= date(2022, 3, 2),
        "downloads": clipped["downloads"],
        "downloads_all_time": clipped["downloadsAllTime"],
        "category": kept["pipeline_tag"],
        "library": kept["library_name"],
        "gated": kept["gated"] if kept["gated"] in GATED else None,
        "parameters": next((total for total in totals if total is not None), None),
        "base_models": bases(kept),
    }, out


def unordered(row: Row) -> Row:
    """Bases are a set."""
    if row.get("base_models"):
        row["base_models"] = sorted(row["base_models"], key=lambda base: json.dumps(base))
    return row


@pytest.mark.parametrize("kind", ["models", "spaces"])
@settings(max_examples=30)
@given(data=st.data())
def test_whatever_is_served_the_table_is_what_can_be_read_of_it(
    odd_hub: ServedHub, kind: Kind, data: st.DataObject
) -> None:
    odd = data.draw(st.lists(wild_rows(kind), max_size=5))
    odd_hub.faults.odd_rows[kind] = [as_json(row) for row in odd]
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        capture = captured(lake, odd_hub, kind)
        if kind == "models":
            stored = made_models(lake, odd_hub)
        else:
            nothing = pl.LazyFrame(schema=schemas.MODELS.schema)
            table = cleaning.enriched_spaces(capture, nothing, DAY)
            stored = lake.write(schemas.ENRICHED_SPACES, DAY, table)
        served = list(rows_of(capture))
        wanted: dict[str, Row] = {}
        put_aside = left_out = doubled = 0
        for row in served:
            kept, out = reading(kind, row)
            left_out += len(out)
            if kept is None:
                put_aside += 1
            elif kept["_id"] in wanted:
                doubled += 1
            else:
                wanted[kept["_id"]], more = cleaned(kind, kept)
                left_out += len(more)
        found = {row["hub_id"]: row for row in stored.frame.collect().iter_rows(named=True)}
        assert found.keys() == wanted.keys()
        for key, row in wanted.items():
            assert unordered(found[key]) == unordered(row)
        notes = stored.notes
        assert notes["served"] == len(served)
        assert notes["rows"] == stored.rows == len(wanted)
        assert (notes["quarantined"], notes["doubled"]) == (put_aside, doubled)
        assert notes["nulled"] == left_out
        quarantine = stored.aside("quarantine")
        assert (0 if quarantine is None else quarantine.height) == put_aside + left_out


# Hostile ids

HOSTILE = [
    "../../etc/passwd",
    "..\\..\\windows",
    "/etc/passwd",
    "<script>alert(1)</script>",
    "a|b",
    "]()",
    "[x](javascript:alert(1))",
    "`rm -rf /`",
    "${HOME}",
    "{{ 7*7 }}",
    "a\nb/c\r\nd",
    "\x00\x01\x1b[31m",
    "\u202egnp.exe",
    "名前/模型",
    "🤗/🤗",
    "e\u0301/é",
    "a" * 10_000,
    "'; DROP TABLE models; --",
    "null",
    " ",
]


def test_hostile_ids_are_data(hub: ServeHub, lake: Lake, tmp_path: Path) -> None:
    texts = {"author": "<b>", "pipeline_tag": "../x", "library_name": "a|b", "tags": HOSTILE}
    number = counting()
    models = [model(next(number)) | {"id": name} | texts for name in HOSTILE]
    spaces = [
        model(next(number)) | {"id": name, "models": HOSTILE, "sdk": "]()"} for name in HOSTILE
    ]
    served = hub(recorded(tmp_path / "hub", models, spaces))
    stored = made_models(lake, served)
    frame = stored.frame.collect()
    assert sorted(frame["id"]) == sorted(HOSTILE)
    assert frame["tags"].to_list() == [HOSTILE] * len(HOSTILE)
    assert frame["category"].unique().to_list() == ["../x"]
    enriched = made_spaces(lake, served, stored).frame.collect()
    assert sorted(enriched["id"]) == sorted(HOSTILE)
    assert enriched["models"].to_list() == [HOSTILE] * len(HOSTILE)
    assert enriched["categories"].to_list() == [["../x"]] * len(HOSTILE)
    made_of = {path.name for path in lake.root.rglob("*") if path.is_dir()}
    assert {name for name in made_of if not re.fullmatch(r"\d{8}T.*Z", name)} == {
        *("raw_models", "raw_spaces", "models", "enriched_spaces", f"day={DAY}"),
    }


# Spaces


def space(number: int, **fields: Any) -> Row:
    return {"_id": hub_id(number), "id": f"user{number % 2}/space-{number}", **fields}


@pytest.fixture
def two(hub: ServeHub, lake: Lake, tmp_path: Path) -> Any:
    def two(models: list[Row], spaces: list[Row]) -> tuple[StoredTable, StoredTable]:
        served = hub(recorded(tmp_path / "hub", models, spaces))
        stored = made_models(lake, served)
        return stored, made_spaces(lake, served, stored)

    return two


def test_spaces_know_what_their_models_are(two: Any) -> None:
    models = [
        model(1, pipeline_tag="text-generation") | {"id": "a/gen"},
        model(2, pipeline_tag="text-generation") | {"id": "a/gen2"},
        model(3, pipeline_tag="fill-mask") | {"id": "a/mask"},
        model(4) | {"id": "a/none"},
    ]
    spaces = [
        space(1, models=["a/gen", "a/mask", "a/gen2", "a/gen"], datasets=["d/d", "d/d"]),
        space(2, models=["a/none", "gone/model"]),
        space(3, models=[]),
        space(4),
    ]
    _, stored = two(models, spaces)
    columns = ["models", "categories", "n_models", "datasets", "n_datasets"]
    assert stored.frame.sort("hub_id").select(columns).collect().rows() == [
        (["a/gen", "a/mask", "a/gen2"], ["fill-mask", "text-generation"], 3, ["d/d"], 1),
        (["a/none", "gone/model"], [], 2, [], 0),
        ([], [], 0, [], 0),
        ([], [], 0, [], 0),
    ]
    assert stored.notes["pairs"] == 5
    assert stored.notes["dangling pairs"] == 1
    assert stored.frame.collect_schema() == schemas.ENRICHED_SPACES.schema


def test_space_runtimes(two: Any) -> None:
    runtimes = [
        {"stage": "RUNNING", "hardware": {"current": "t4", "requested": "a10g"}},
        {"stage": "SLEEPING", "hardware": {"current": None, "requested": "a10g"}},
        {"stage": "BUILDING"},
        {"hardware": {"current": "cpu"}},
        None,
        "RUNNING",
    ]
    _, stored = two([], [space(number, runtime=one) for number, one in enumerate(runtimes)])
    assert stored.frame.sort("hub_id").select("stage", "hardware").collect().rows() == [
        ("RUNNING", "t4"),
        ("SLEEPING", "a10g"),
        ("BUILDING", None),
        (None, "cpu"),
        (None, None),
        (None, None),
    ]
    assert stored.notes["nulled runtime"] == 1


def test_an_empty_hub_makes_empty_tables(two: Any) -> None:
    models, spaces = two([], [])
    assert models.frame.collect().schema == schemas.MODELS.schema
    assert spaces.frame.collect().schema == schemas.ENRICHED_SPACES.schema
    assert (models.rows, spaces.rows) == (0, 0)
    assert spaces.notes["pairs"] == 0


# A generated Hub


def test_a_generated_hub_is_the_same_in_the_table(
    hub: ServeHub, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 150)
    monkeypatch.setattr(cleaning, "BATCH_PAGES", 3)
    monkeypatch.setattr(cleaning, "JOINED_SPACES", 300, raising=False)
    served = hub(GeneratedHub(2000, 1000, seed=9, day=iso(DAY)))
    models = made_models(lake, served)
    spaces = made_spaces(lake, served, models)
    by_model = {}
    for row in rows_of(captured(lake, served)):
        kept, out = reading("models", row)
        assert kept is not None
        assert not out
        by_model[row["_id"]], out = cleaned("models", kept)
        assert not out
    found = {row["hub_id"]: row for row in models.frame.collect().iter_rows(named=True)}
    assert {key: unordered(row) for key, row in found.items()} == {
        key: unordered(row) for key, row in by_model.items()
    }
    categories = {row["id"]: row["category"] for row in by_model.values()}
    pairs = dangling = 0
    wanted = {}
    for row in rows_of(captured(lake, served, "spaces")):
        kept, _ = reading("spaces", row)
        assert kept is not None
        wanted[row["_id"]], _ = cleaned("spaces", kept)
        names = wanted[row["_id"]]["models"]
        pairs += len(names)
        dangling += sum(name not in categories for name in names)
        known = {categories.get(name) for name in names} - {None}
        wanted[row["_id"]]["categories"] = sorted(str(one) for one in known)
    rows = {row["hub_id"]: row for row in spaces.frame.collect().iter_rows(named=True)}
    assert rows == wanted
    assert (spaces.notes["pairs"], spaces.notes["dangling pairs"]) == (pairs, dangling)
    assert 0 < dangling < pairs


def test_a_damaged_capture_makes_no_table(hub: ServeHub, lake: Lake) -> None:
    served = hub(GeneratedHub(50, 0, day=iso(DAY)))
    capture = captured(lake, served)
    before = made_models(lake, served)
    content = before.path.read_bytes()
    (page,) = capture.folder.glob("*/000000.json.zst")
    page.write_bytes(page.read_bytes()[:-20])
    with pytest.raises(CorruptCapture, match=re.escape(str(page))):
        lake.write(schemas.MODELS, DAY, cleaning.models(capture, DAY))
    assert before.path.read_bytes() == content
    assert [path.name for path in before.path.parent.iterdir()] == ["data.parquet"]


def test_the_table_says_where_it_comes_from(hub: ServeHub, lake: Lake) -> None:
    served = hub(GeneratedHub(50, 20, day=iso(DAY)))
    models = made_models(lake, served)
    capture = captured(lake, served)
    assert models.provenance == {"raw_models": capture.provenance}
    assert models.provenance["raw_models"]["endpoint"] == served.url
    assert set(made_spaces(lake, served, models).provenance) == {"raw_spaces"}
