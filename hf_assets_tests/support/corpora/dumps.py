"""Dumps written by hand, and read."""

from pathlib import Path
from xml.sax.saxutils import quoteattr

import polars as pl
import py7zr

from hf_assets.corpora.stackexchange.dumps import read_posts
from hf_assets.storage.lake import TableWrite

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<posts>\n'
TAIL = "</posts>"
GOOD = {
    "Id": "7",
    "PostTypeId": "1",
    "CreationDate": "2016-08-02T15:39:14.947",
    "Body": "<p>x &amp; y</p>",
    "OwnerUserId": "8",
    "Title": "Is a < b & \"c\"?",
    "Tags": "<c++><.net>",
}  # fmt: skip


def row(**changes: str | None) -> str:
    values = {**GOOD, **changes}
    written = " ".join(f"{k}={quoteattr(v)}" for k, v in values.items() if v is not None)
    return f"  <row {written} />\n"


def read(path: Path, site: str = "ai") -> tuple[pl.DataFrame, TableWrite]:
    made = read_posts(path, site)
    return pl.concat(list(made.frames)), made


QUICK = [{"id": py7zr.FILTER_LZMA2, "preset": 0}]


def packed(path: Path, **members: bytes | Path) -> Path:
    with py7zr.SevenZipFile(path, "w", filters=QUICK) as archive:
        for name, content in members.items():
            name = name.replace("__", "/") + ".xml"
            if isinstance(content, Path):
                archive.write(content, name)
            else:
                archive.writestr(content, name)
    return path
