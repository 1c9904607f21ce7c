"""Dumps in 7z archives, in the lake, and real ones."""

import hashlib
import re
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import py7zr
import pytest

from hf_assets.corpora.schemas import texts_table
from hf_assets.corpora.stackexchange.dumps import DumpError, read_posts
from hf_assets.demo.labels.dump import write_dump
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.corpora.dumps import HEAD, TAIL, packed, read, row


def many_posts(path: Path) -> int:
    """Write more questions than a frame holds."""
    count, body = 9000, f"<p>{'word ' * 200}</p>"
    path.write_text(HEAD + "".join(row(Id=str(n), Body=body) for n in range(1, count + 1)) + TAIL)
    return count


def test_a_7z_gives_what_the_plain_file_gives(tmp_path: Path, dump: Path) -> None:
    archive = packed(tmp_path / "x.7z", Users=b"<users />", ai__Posts=dump, Votes=b"<votes />")
    frame, made = read(archive)
    plain, plain_made = read(dump)
    assert frame.equals(plain)
    assert made.notes == plain_made.notes
    facts, plain_facts = (one.provenance["question_dump"] for one in (made, plain_made))
    assert facts["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert facts["bytes"] == archive.stat().st_size
    own = {"file", "bytes", "sha256"}
    assert {k: v for k, v in facts.items() if k not in own} == {
        k: v for k, v in plain_facts.items() if k not in own
    }


def test_frames_are_small_and_come_before_the_end(dump: Path) -> None:
    count = many_posts(dump)
    heights = [frame.height for frame in read_posts(dump, "ai").frames]
    assert sum(heights) == count == 9000
    assert len(heights) >= 3
    assert max(heights) < 10_000


def test_a_7z_without_posts(tmp_path: Path) -> None:
    with pytest.raises(DumpError, match=r"holds no Posts\.xml"):
        read(packed(tmp_path / "x.7z", Users=b"<users />"))


def test_a_7z_with_two_posts(tmp_path: Path, dump: Path) -> None:
    with pytest.raises(DumpError, match=r"more than one Posts\.xml"):
        read(packed(tmp_path / "x.7z", a__Posts=dump, b__Posts=dump))


def test_a_7z_that_is_cut_or_damaged(tmp_path: Path, dump: Path) -> None:
    archive = packed(tmp_path / "x.7z", Posts=dump)
    whole = archive.read_bytes()
    for size in (7, 20, len(whole) // 2, len(whole) - 1):
        archive.write_bytes(whole[:size])
        with pytest.raises(DumpError, match=r"broken or truncated \.7z"):
            read(archive)
    for at in (len(whole) // 4, len(whole) // 2):
        archive.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(DumpError):
            read(archive)


def test_the_checksum_of_what_was_unpacked_counts(tmp_path: Path, dump: Path) -> None:
    archive = tmp_path / "x.7z"
    with py7zr.SevenZipFile(archive, "w", filters=[{"id": py7zr.FILTER_COPY}]) as writer:
        writer.write(dump, "Posts.xml")
    # One letter of a body, so that the XML stays whole.
    found = archive.read_bytes()
    assert found.count(b"bear with me") > 1
    archive.write_bytes(found.replace(b"bear with me", b"bear with us", 1))
    with pytest.raises(DumpError, match="CrcError"):
        read(archive)


def test_a_7z_with_a_password(tmp_path: Path, dump: Path) -> None:
    with py7zr.SevenZipFile(tmp_path / "x.7z", "w", password="p") as archive:
        archive.write(dump, "Posts.xml")
    with pytest.raises(DumpError, match="password"):
        read(tmp_path / "x.7z")


@pytest.mark.parametrize("name", ["x.7z.001", "Posts.7z.002"])
def test_a_part_of_a_split_archive(tmp_path: Path, dump: Path, name: str) -> None:
    part = tmp_path / name
    part.write_bytes(packed(tmp_path / "x.7z", Posts=dump).read_bytes()[:1000])
    with pytest.raises(DumpError, match="join the parts"):
        read(part)


def test_a_7z_by_name_alone(tmp_path: Path, dump: Path) -> None:
    with pytest.raises(DumpError, match=r"no \.7z"):
        read(dump.rename(tmp_path / "x.7z"))


def test_a_reader_that_leaves_early_leaves_no_thread(tmp_path: Path, dump: Path) -> None:
    many_posts(dump)
    frames = iter(read_posts(packed(tmp_path / "x.7z", Posts=dump), "ai").frames)
    next(frames)
    assert [one for one in threading.enumerate() if one.name == "unpacking"]
    frames.close()  # ty: ignore[missing-attribute]
    assert not [one for one in threading.enumerate() if one.name == "unpacking"]


def test_a_dump_in_the_lake(lake: Lake, dump: Path) -> None:
    stored = lake.write(texts_table("question_dump"), None, read_posts(dump, "generated"))
    assert stored.rows == stored.notes["questions"] == 1500
    facts = stored.provenance["question_dump"]
    assert facts["site"] == "generated.stackexchange.com"
    assert facts["last_question"].startswith("2026-11-19")


def test_a_broken_dump_leaves_the_old_one(lake: Lake, dump: Path) -> None:
    table = texts_table("question_dump")
    lake.write(table, None, read_posts(dump, "generated"))
    dump.write_bytes(dump.read_bytes()[:-100])
    with pytest.raises(DumpError):
        lake.write(table, None, read_posts(dump, "generated"))
    assert lake.read("question_dump", None).rows == 1500


DUMPS = {
    "ai-Posts-2016-12.xml": ("ai", 1279, 421, "2016-12-11"),
    "ai-Posts-2017-03.xml": ("ai", 1735, 604, "2017-03-13"),
    "datascience-META-Posts-2024-03.xml": ("meta.datascience", 624, 257, "2024-01-24"),
}


@pytest.mark.parametrize("name", DUMPS)
def test_real_dumps(real_data: Path, name: str) -> None:
    path = real_data / "stackexchange-dumps" / name
    site, posts, questions, last = DUMPS[name]
    frame, made = read(path, site)
    assert made.notes["posts"] == posts
    assert frame.height == made.notes["questions"] == questions
    assert made.provenance["question_dump"]["last_question"].startswith(last)
    # Another parser, and another way to take tags apart.
    rows = [one.attrib for one in ElementTree.parse(path).getroot() if one.get("PostTypeId") == "1"]
    wanted = {
        one["Id"]: (one["Title"], one["Body"], re.findall(r"[^<>|]+", one["Tags"])) for one in rows
    }
    found = {
        row["id"].split(":")[-1]: (row["title"], row["body"], row["labels"])
        for row in frame.iter_rows(named=True)
    }
    assert found == wanted
    assert frame["id"].is_unique().all()
    assert frame["license"].null_count() == 0


MEASURE = """
import resource, sys
from pathlib import Path
from hf_assets.corpora.stackexchange.dumps import read_posts
total = sum(frame.height for frame in read_posts(Path(sys.argv[1]), "ai").frames)
print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.release
@pytest.mark.heavy
@pytest.mark.parametrize("form", ["plain", "7z"])
def test_memory_does_not_grow_with_the_dump(tmp_path: Path, form: str) -> None:
    peaks = []
    for count in (6_000, 90_000):  # 8 and 120 MB
        path = tmp_path / "Posts.xml"
        write_dump(path, count, until=date(2026, 11, 19))
        megabytes = path.stat().st_size / 1e6
        if form == "7z":
            path = packed(tmp_path / "x.7z", Posts=path)
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
        )
        total, peak = map(int, done.stdout.split())
        assert total == count
        peaks.append(peak)
    assert megabytes > 100
    assert peaks[1] - peaks[0] < 60, peaks
