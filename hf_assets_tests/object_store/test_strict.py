"""What a lake asks of a store stays within what Hugging Face Storage Buckets have."""

import io
from functools import partial

import obstore
import polars as pl
import pyarrow.fs
import pyarrow.parquet
import pytest
from obstore.exceptions import BaseError

from hf_assets.object_store.commit import CommitConflict, commit, overwrite, seen
from hf_assets.object_store.path import StorePath, delete, remove_tree
from hf_assets_tests.support.object_store.strict import StrictBucket


def parquet(rows: int = 1000) -> bytes:
    """A file with the numbers from 0."""
    file = io.BytesIO()
    pl.DataFrame({"n": range(rows)}).write_parquet(file)
    return file.getvalue()


def test_paths_and_commits_ask_for_nothing_else(bucket: StorePath, strict: StrictBucket) -> None:
    path = bucket / "models" / "day=2026-11-20" / "data.parquet"
    assert seen(path) is None
    commit(path, b"first", None)
    with pytest.raises(CommitConflict):
        commit(path, b"other", None)
    commit(path, b"second", seen(path))
    assert path.read_bytes() == b"second"
    overwrite(bucket / "models" / "note.json", b"{}")
    assert [each.name for each in bucket.iterdir()] == ["models"]
    assert [each.key for each in bucket.glob("models/*/data.parquet")] == [path.key]
    delete([bucket / "models" / "note.json"])
    remove_tree(bucket / "models")
    assert not bucket.exists()
    # The object came from another server.
    assert strict.redirected


def test_polars_and_pyarrow_follow_redirects(bucket: StorePath, strict: StrictBucket) -> None:
    for day in ("2026-11-20", "2026-11-21"):
        overwrite(bucket / "models" / f"day={day}" / "data.parquet", parquet())
    url, glob = f"{bucket}/models/day=2026-11-20/data.parquet", f"{bucket}/models/*/data.parquet"
    # polars keeps its client for a bucket, whatever the variables say later in the process.
    scan = partial(pl.scan_parquet, storage_options={"aws_endpoint_url": strict.url})
    assert scan(url).select(pl.col("n").sum()).collect().item() == 499_500
    assert scan(glob).select(pl.len()).collect().item() == 2000
    assert pyarrow.parquet.read_table(url).num_rows == 1000
    agents = {agent.partition("/")[0] for agent in strict.redirected}
    assert agents == {"polars", "aws-sdk-cpp"}


def test_the_proxy_refuses_what_a_bucket_lacks(
    bucket: StorePath, impatient: None, strict: StrictBucket
) -> None:
    path = bucket / "x"
    overwrite(path, b"1")
    client = path.address.client()
    with pytest.raises(BaseError):
        obstore.get(client, path.key, options={"if_match": seen(path)})
    obstore.put(client, "y", b"1", attributes={"note": "dropped"})
    # pyarrow's writer of an object: the setting of the documentation helps.
    files = pyarrow.fs.S3FileSystem(endpoint_override=strict.url, region="us-east-1")
    with (
        pytest.raises(OSError, match="InvalidArgument"),
        files.open_output_stream(f"{bucket.address.bucket}/{bucket.address.prefix}/z") as out,
    ):
        out.write(b"1")
    assert list(dict.fromkeys(strict.broken)) == [
        "no condition on GetObject",
        "aws-chunked is not parsed",
    ]
    assert strict.dropped == ["x-amz-meta-note"]
    strict.broken.clear()
    strict.dropped.clear()
