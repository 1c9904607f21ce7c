"""A day of the Hub's half of the graph on a store: as strict as a bucket, and in a storm."""

import hashlib
import io
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.object_store.path import StorePath
from hf_assets.storage.lake import Lake, today
from hf_assets_tests.defs.conftest import failures, observatory
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault
from hf_assets_tests.support.object_store.strict import StrictBucket
from hf_assets_tests.support.object_store.weed import KEY, SECRET

pytestmark = pytest.mark.heavy

LISTINGS = 2  # of models and of Spaces

TABLES = ("models", "enriched_spaces", "top_models", "model_usage", "daily_metrics")


def night(root: Any, caplog: pytest.LogCaptureFixture) -> Lake:
    """The lake after one run; its log and its history hold no credential."""
    caplog.set_level(logging.DEBUG)
    with observatory(root) as make:
        world = make(GeneratedHub(120, 50, seed=4))
        result = world.materialize()
        assert failures(result) == {}
        history = "\n".join(map(str, world.instance.all_logs(result.run_id)))
        for text in (history, caplog.text):
            assert KEY not in text
            assert SECRET not in text
        return world.lake


def digests(lake: Lake) -> dict[str, str]:
    """A hash of each table's rows without their times."""
    found = {}
    for name in TABLES:
        frame = lake.read(name, today()).frame.select(pl.exclude(pl.Datetime)).collect()
        found[name] = hashlib.sha256(frame.write_json().encode()).hexdigest()
    return found


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The tables of the same day in a folder."""
    root = tmp_path_factory.mktemp("disk") / "lake"
    with observatory(root) as make:
        world = make(GeneratedHub(120, 50, seed=4))
        assert failures(world.materialize()) == {}
        yield digests(world.lake)


def texts(path: StorePath) -> list[bytes]:
    """The bytes of an object, also as they are without compression."""
    content = path.read_bytes()
    found = [content]
    if path.suffix == ".zst":
        with pa.CompressedInputStream(io.BytesIO(content), "zstd") as stream:
            found.append(stream.read())
    if content[:4] == b"PAR1":
        found.append(repr(pl.read_parquet_metadata(content)).encode())
        found.append(pl.read_parquet(content).write_json().encode())
    return found


def test_a_night_stays_within_what_a_bucket_has(
    bucket: StorePath,
    strict: StrictBucket,
    on_disk: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    lake = night(bucket, caplog)
    assert digests(lake) == on_disk
    assert strict.redirected
    counts = strict.counts()
    assert {"LIST v1", "MULTIPART"}.isdisjoint(counts)
    stored = list(bucket.below())
    # The bound of a day: what does not grow with the Hub, and three requests a page.
    assert counts["PUT"] <= len(stored) + LISTINGS
    assert counts["LIST"] <= 40
    assert counts.total() <= 220
    read = Counter(each.key for each in strict.asked if each.kind.startswith("GET"))
    assert {
        read[f"{bucket.address.prefix}/{path.key}"] for path, _ in stored if path.suffix == ".zst"
    } <= {1, 2}
    for path, _ in stored:
        for text in texts(path):
            assert KEY.encode() not in text, path
            assert SECRET.encode() not in text, path


@pytest.mark.release
def test_a_night_in_a_storm_has_the_same_tables(
    bucket: StorePath,
    store_proxy: CountingProxy,
    on_disk: dict[str, str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of requests, some are refused, of answers some are lost or cut."""
    store_proxy.faults = [
        Fault("lost", kinds=("PUT",), after=3, times=2),
        Fault("cut", kinds=("GET", "GET range"), after=5, times=3),
        Fault("InternalError", after=20, times=3),
        Fault("SlowDown", after=40, times=6),
    ]
    lake = night(bucket, caplog)
    assert all(fault.hits for fault in store_proxy.faults)
    store_proxy.faults = []
    assert digests(lake) == on_disk
