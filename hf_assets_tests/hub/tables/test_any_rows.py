"""Any rows, served as they may be, against a reading by hand."""

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.hub.client import listing
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.tables import cleaning, schemas
from hf_assets.storage.lake import Lake, iso
from hf_assets_tests.conftest import DAY, ServedHub, ServeHub
from hf_assets_tests.support.hub.captures import (
    Row,
    captured,
    made_datasets,
    made_models,
    made_spaces,
    model,
    recorded,
    rows_of,
)
from hf_assets_tests.support.hub.serving import serving
from hf_assets_tests.support.hub.wild_rows import as_json, reading, wild_rows


@pytest.fixture(scope="module")
def odd_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHub]:
    """A Hub of three models, Spaces and datasets, to which a test adds rows."""
    plain = [model(number, likes=number) for number in range(3)]
    with serving(recorded(tmp_path_factory.mktemp("hub"), plain, plain, plain)) as served:
        yield served


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
        for name in (
            *("likes", "trendingScore", "downloads", "downloadsAllTime"),
            *(("usedStorage", "mainSize") if kind == "datasets" else ()),
        )
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
    if kept["gated"] not in (*GATED, None):
        out.add("gated")
    row |= {
        "floor_dated": created and created.date() <= date(2022, 3, 2),
        "downloads": clipped["downloads"],
        "downloads_all_time": clipped["downloadsAllTime"],
        "gated": kept["gated"] if kept["gated"] in GATED else None,
    }
    if kind == "datasets":
        lists = {name: tagged(kept["tags"], prefix) for name, prefix in LISTS.items()}
        sizes = tagged(kept["tags"], "size_categories:")
        return row | lists | {
            "size_category": sizes[0] if sizes else None,
            "disabled": kept["disabled"],
            "used_storage": clipped["usedStorage"],
            "main_size": clipped["mainSize"],
        }, out
    totals = [(kept[name] or {}).get("total") for name in ("safetensors", "gguf")]
    return row | {
        "year": created and created.year,
        "category": kept["pipeline_tag"],
        "library": kept["library_name"],
        "parameters": next((total for total in totals if total is not None), None),
        "base_models": bases(kept),
    }, out


LISTS = {
    "task_categories": "task_categories:",
    "languages": "language:",
    "modalities": "modality:",
    "formats": "format:",
}


def tagged(tags: list[str] | None, prefix: str) -> list[str] | None:
    if tags is None:
        return None
    rest = [tag[len(prefix) :] for tag in tags if tag.startswith(prefix)]
    return list(dict.fromkeys(value for value in rest if value))


def unordered(row: Row) -> Row:
    """Bases are a set."""
    if row.get("base_models"):
        row["base_models"] = sorted(row["base_models"], key=lambda base: json.dumps(base))
    return row


@pytest.mark.parametrize("kind", ["models", "spaces", "datasets"])
@settings(max_examples=7)
@given(data=st.data())
def test_whatever_is_served_the_table_is_what_can_be_read_of_it(
    odd_hub: ServedHub, kind: Kind, data: st.DataObject
) -> None:
    odd = data.draw(st.lists(wild_rows(kind), max_size=16))
    odd_hub.faults.odd_rows[kind] = [as_json(row) for row in odd]
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        capture = captured(lake, odd_hub, kind)
        if kind == "models":
            stored = made_models(lake, odd_hub)
        elif kind == "datasets":
            stored = made_datasets(lake, odd_hub)
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


def test_a_generated_hub_is_the_same_in_the_table(
    hub: ServeHub, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_SIZE", 70)
    monkeypatch.setattr(cleaning, "BATCH_PAGES", 3)
    served = hub(GeneratedHub(900, 450, seed=9, day=iso(DAY)))
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
