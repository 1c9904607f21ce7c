"""Nothing of a machine, of its secrets, or of a private repository is published."""

import io
import json

import polars as pl
import pyarrow.parquet as pq
import pytest

from hf_assets.hub.retention import KEPT, _kept_rows
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.publishing.withheld import private_ids, public_provenance, public_rows
from hf_assets.storage.lake import Lake, TableWrite
from hf_assets_tests.publishing.conftest import Served
from hf_assets_tests.support.publishing import (
    DAYS,
    PROVENANCE,
    SECRET_HOST,
    SECRET_PATH,
    TOKEN,
    model,
    publish_now,
    store,
    store_day,
)

PUBLIC = {"source": "captured", "endpoint": "https://huggingface.co", "sha256": "ab", "absent": []}


def published(hub: Served) -> dict[str, bytes]:
    """Every file; of Parquet files the values and the footer, too, as they are compressed."""
    found = {}
    for path in hub.paths:
        content = hub.bytes(path)
        if path.endswith(".parquet"):
            metadata = pq.read_metadata(io.BytesIO(content))
            rows = pl.read_parquet(io.BytesIO(content)).to_dicts()
            content += repr((rows, metadata.metadata)).encode()
        found[path] = content
    return found


@pytest.mark.parametrize(
    "secret",
    [SECRET_HOST, SECRET_PATH, "hf_secret", TOKEN, "user:", "acme/secret-model", "f" * 24],
)
def test_no_secret_is_in_any_file(hub: Served, lake: Lake, secret: str) -> None:
    stored = (lake.folder("models", DAYS[0]) / "data.parquet").read_bytes()
    publish_now(lake, "small,models", log=hub.log.append)
    files = published(hub)
    assert len(files) > 15
    assert [path for path, content in files.items() if secret.encode() in content] == []
    assert str(lake.root).encode() not in b"".join(files.values())
    assert secret not in "".join(hub.log)
    # The search finds what the lake has.
    assert SECRET_PATH.encode() in stored


def test_a_footer_names_the_source_of_its_day(hub: Served, lake: Lake) -> None:
    publish_now(lake)
    content = hub.bytes(f"data/daily_metrics/{DAYS[0]}.parquet")
    footer = json.loads(pq.read_metadata(io.BytesIO(content)).metadata[b"hf_assets"])
    assert footer == {
        "day": DAYS[0],
        "provenance": {
            "raw_models": {
                "source": "folder",
                "finished": "2026-11-02T03:40:00+00:00",
                "sha256": "ab" * 32,
            }
        },
    }


def test_public_sources_are_named() -> None:
    archive = {
        "source": "hub-stats",
        "dataset": "cfahlgren1/hub-stats",
        "revision": "c0ffee",
        "file": "models.parquet",
        "endpoint": "http://mirror.internal",
    }
    private = {**archive, "dataset": "acme/own-archive"}
    found = public_provenance({"a": PUBLIC, "b": archive, "c": private, **PROVENANCE})
    assert found["a"]["endpoint"] == "https://huggingface.co"
    assert (found["b"]["dataset"], found["b"]["file"]) == (archive["dataset"], archive["file"])
    assert not {"endpoint", "file", "dataset"} & found["c"].keys()
    assert "mirror" not in json.dumps(found)


def test_the_origin_of_a_day_stays_where_it_is_public() -> None:
    rows = [
        ("captured", "https://huggingface.co", True),
        ("captured", "http://10.0.0.7", False),
        ("hub-stats", "cfahlgren1/hub-stats at c0ffee, models.parquet", True),
        ("hub-stats", "acme/own at c0ffee, models.parquet", False),
        ("folder", "cfahlgren1/hub-stats at /srv/x", False),
        (None, None, False),
    ]
    frame = pl.DataFrame(
        [row[:2] for row in rows], {"source": pl.String, "origin": pl.String}, orient="row"
    )
    found = public_rows(frame, [])
    assert found["origin"].to_list() == [origin if kept else None for _, origin, kept in rows]


def test_a_repository_that_becomes_private_is_withdrawn_from_every_day(
    hub: Served, lake: Lake
) -> None:
    publish_now(lake, "small,models")
    assert b"a3/m3" in published(hub)[f"data/daily_metrics/{DAYS[0]}.parquet"]
    rows = [model(number, DAYS[-1]) for number in range(12)]
    rows[3]["private"] = True
    store(lake, MODELS, DAYS[-1], rows)
    done = publish_now(lake, "small,models")
    assert f"data/daily_metrics/{DAYS[0]}.parquet" in done.sent
    assert not any(b"a3/m3" in content for content in published(hub).values())


def test_days_that_have_not_changed_are_not_read_again(lake: Lake) -> None:
    first = private_ids(lake, {})
    assert {key: ids for key, (_, ids) in first.items()} == {
        f"models/{day}": sorted(["acme/secret-model", "f" * 24]) for day in DAYS
    }
    mark = first[f"models/{DAYS[0]}"][0]
    before = {**first, f"models/{DAYS[0]}": (mark, ["kept"])}
    assert private_ids(lake, before)[f"models/{DAYS[0]}"][1] == ["kept"]
    store_day(lake, DAYS[0])
    assert private_ids(lake, before)[f"models/{DAYS[0]}"][1] != ["kept"]


def test_a_thinned_day_still_withholds_its_private_repositories(hub: Served, lake: Lake) -> None:
    """Of a model that was deleted since, thinned days are the last that know it was private."""
    secret = private_ids(lake, {})
    for day in DAYS:
        table = lake.read("models", day)
        rows = list(_kept_rows(table, MODELS, KEPT["models"]))
        lake.write(MODELS, day, TableWrite(rows, {**table.notes, "thinned": "2026-12-31"}))
    found = private_ids(lake, {})
    assert [ids for _, ids in found.values()] == [ids for _, ids in secret.values()]
    publish_now(lake)
    assert not any(b"acme/secret-model" in content for content in published(hub).values())


def test_a_day_that_an_earlier_version_thinned_keeps_what_was_known(lake: Lake) -> None:
    first, kept = private_ids(lake, {}), [name for name in KEPT["models"] if name != "private"]
    table = lake.read("models", DAYS[0])
    rows = list(_kept_rows(table, MODELS, tuple(kept)))
    lake.write(MODELS, DAYS[0], TableWrite(rows, {**table.notes, "thinned": DAYS[-1]}))
    assert private_ids(lake, first)[f"models/{DAYS[0]}"][1] == first[f"models/{DAYS[0]}"][1]


def test_a_name_behind_a_prefix_is_withheld() -> None:
    """As the keys of `family_relation`, and tags, have it."""
    keys = ["finetune/acme/secret", "finetune/acme/secret2", "acme/secret", "root", None]
    tags = ["base_model:quantized:acme/secret", "dataset:acme/secret", "en", None]
    frame = pl.DataFrame({"key": keys, "tags": [tags] * 5, "none": [None, [], None, [], None]})
    found = public_rows(frame, ["acme/secret", "f" * 24])
    assert found["key"].to_list() == ["finetune/acme/secret2", "root", None]
    assert found["tags"].to_list() == [["en", None]] * 3
    frame = pl.DataFrame({"base_models": [[{"id": "acme/secret", "relation": "x"}, None]]})
    assert public_rows(frame, ["acme/secret"])["base_models"].to_list() == [[None]]
