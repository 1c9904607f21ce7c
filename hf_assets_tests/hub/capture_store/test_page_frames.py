"""A page with its line in front is read by whoever reads zstd, and is torn nowhere unseen."""

import io
import json
import shutil
import subprocess
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hf_assets.hub.capture_store.page_frames import MAGIC, ZSTD, framed, line_length, line_of

BODY = json.dumps([{"_id": f"{number:024x}", "likes": number} for number in range(300)]).encode()
LINE = b'{"page": 0, "url": "https://hub/api/models?limit=1000"}'


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_line_and_any_body_come_back(line: bytes, body: bytes) -> None:
    content = framed(line, body)
    assert line_of(content) == line
    assert ZSTD.decompress(content, len(body), asbytes=True) == body
    assert content[:4] == MAGIC.to_bytes(4, "little")
    assert line_length(content[:8]) == 8 + len(line)


@given(st.binary(max_size=200), st.data())
def test_a_content_that_ends_within_the_line_has_none(line: bytes, data: st.DataObject) -> None:
    content = framed(line, b"[]")
    end = data.draw(st.integers(0, 7 + len(line)))
    assert line_of(content[:end]) is None


@given(st.binary(max_size=100))
def test_other_contents_have_no_line(body: bytes) -> None:
    assert line_of(ZSTD.compress(body, asbytes=True)) is None


def test_readers_of_zstd_pass_over_the_line(tmp_path: Path) -> None:
    path = tmp_path / "000000.json.zst"
    path.write_bytes(framed(LINE, BODY))
    with pa.input_stream(path, compression="zstd") as stream:
        assert stream.read() == BODY
    with pa.CompressedInputStream(io.BytesIO(path.read_bytes()), "zstd") as stream:
        assert stream.read(40) == BODY[:40]
    with duckdb.connect() as db:
        counted = db.execute(f"SELECT count(*), sum(likes) FROM read_json('{path}')").fetchall()
    assert counted == [(300, sum(range(300)))]


@pytest.mark.skipif(shutil.which("zstd") is None, reason="the program zstd is not installed")
def test_the_program_zstd_passes_over_the_line(tmp_path: Path) -> None:
    path = tmp_path / "000000.json.zst"
    path.write_bytes(framed(LINE, BODY))
    done = subprocess.run(["zstd", "-dc", path], capture_output=True, check=True)
    assert done.stdout == BODY
