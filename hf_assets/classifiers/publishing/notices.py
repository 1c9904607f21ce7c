"""Whose texts a classifier learnt from: licences, the NOTICE, and a row of attribution a text.

These files must travel with a published model.
"""

import gzip
import re
from pathlib import Path
from typing import Any

import polars as pl

from hf_assets.corpora.corpus import Corpus
from hf_assets.csv_cells import inert_cells

ATTRIBUTION = "ATTRIBUTION.csv.gz"
_COLUMNS = ["link", "author", "author_link", "license"]
_UNKNOWN = "no licence given"
_EXAMPLES, _LENGTH = 4, (20, 700)  # of texts shown, in characters
_ASKS_FOR_NAMES = r"(?i)\bby\b|attribution"
# The Hub's names of licences, of the spellings that sources use.
_KNOWN = {
    "cc0-1.0": r"cc0([ :-].*)?",
    "cc-by-4.0": r"cc[ -]by[ -]4\.0|attribution 4\.0 international.*",
    "cc-by-sa-4.0": r"cc[ -]by-sa[ -](2\.5|3\.0|4\.0)",
    "mit": r"mit( license)?",
    "apache-2.0": r"apache([ -]license)?,?( version)?[ -]2\.0",
    "odbl": r"odbl.*|.*open database license.*",
}


def licences(corpus: Corpus) -> dict[str, int]:
    """Rows by licence, the commonest first."""
    found = corpus.frame.select(pl.col("license").fill_null("").str.strip_chars())
    counts = found.group_by("license").len().sort(["len", "license"], descending=[True, False])
    return {name or _UNKNOWN: rows for name, rows in counts.iter_rows()}


def hub_licence(corpus: Corpus) -> str:
    """The Hub's name for the licence of all texts, or "other" where there are several or none.

    CC BY-SA 2.5 and 3.0 allow what is made of a work to be under a later version.
    """
    named = {
        next((hub for hub, form in _KNOWN.items() if re.fullmatch(form, name.lower())), "other")
        for name in licences(corpus)
    }
    return named.pop() if len(named) == 1 else "other"


def licence_link(licence: str) -> str | None:
    """Where a Creative Commons licence can be read, or None for any other."""
    name = " ".join(re.split(r"[ :-]+", licence.lower()))
    if name.startswith("cc0"):
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    found = re.fullmatch(r"cc (by(?: nc)?(?: sa| nd)?) ([1-4]\.[05])", name)
    if found is None:
        return None
    return f"https://creativecommons.org/licenses/{found[1].replace(' ', '-')}/{found[2]}/"


def examples(corpus: Corpus) -> list[dict[str, Any]]:
    """A few short test texts that may be shown, each with what must be shown beside it.

    A text without a licence is not shown; nor is one that names neither link nor author though its
    licence asks for them.
    """
    licence = pl.col("license").fill_null("").str.strip_chars()
    named = pl.any_horizontal(pl.col("link", "author").is_not_null())
    shown = corpus.frame.filter(
        (pl.col("split") == "test")
        & pl.col("text").str.len_chars().is_between(*_LENGTH)
        & (licence != "")
        & (named | ~licence.str.contains(_ASKS_FOR_NAMES))
    ).sort("id")
    chosen = shown.gather_every(max(1, shown.height // _EXAMPLES)).head(_EXAMPLES)
    shown_rows = []
    for row in chosen.select("text", *_COLUMNS).to_dicts():
        title, _, text = row.pop("text").partition("\n\n")
        shown_rows.append({"title": title, "text": text} | row)
        shown_rows[-1]["license_link"] = licence_link(row["license"])
    return shown_rows


def write_notice(folder: Path, corpus: Corpus, remark: str = "") -> int:
    """Write NOTICE and, where a text has a link, an author or a licence, ATTRIBUTION.csv.gz.

    Returns:
        The rows of the latter.
    """
    named = corpus.frame.select("id", *_COLUMNS)
    named = named.filter(pl.any_horizontal(pl.col(_COLUMNS).is_not_null())).sort("id")
    if named.height:
        # Without a time inside, the same rows give the same bytes.
        written = inert_cells(named.lazy()).collect().write_csv()
        packed = gzip.compress(written.encode("utf-8", "backslashreplace"), mtime=0)
        (folder / ATTRIBUTION).write_bytes(packed)
    (folder / "NOTICE").write_text(_notice(corpus, named.height, remark), encoding="utf-8")
    return named.height


def _notice(corpus: Corpus, rows: int, remark: str) -> str:
    counted = licences(corpus)
    share_alike = any("by-sa" in name.lower() for name in counted)
    lines = [
        f"This model was trained on {corpus.frame.height:,} texts of others (corpus "
        f"{_line(corpus.name)}).",
        remark,
        "Licences of the texts:\n"
        + "\n".join(f"  {rows:>9,}  {_line(name)}" for name, rows in counted.items()),
        f"Link, author, the author's page and licence of each text: {ATTRIBUTION}, {rows:,} rows, "
        "CSV in UTF-8, packed with gzip."
        if rows
        else "The source names neither links nor authors.",
        "Creative Commons BY-SA asks those who pass the texts on, or what is made from them, to "
        "name the author, to link to the text and to the licence, to say what was changed, and to "
        "pass the result on under the same licence or a later version of it. Here the texts "
        "were made plain before training: HTML, and where so set blocks of code, were taken out. "
        "Texts of Stack Exchange: https://stackexchange.com; licences: "
        "https://creativecommons.org/licenses/by-sa/4.0/, /3.0/ and /2.5/. Pass this "
        "file on with every copy of the model."
        if share_alike
        else "Pass this file on with every copy of the model.",
    ]
    return "\n\n".join(filter(None, lines)) + "\n"


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:200]
