"""The texts of a published repository: its card, its data package and its licence file.

Ids and tags are texts of others: they stand in the card as plain text only.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import polars as pl
from huggingface_hub import DatasetCardData

from hf_assets.markdown import inert, table
from hf_assets.publishing.datapackage import data_package
from hf_assets.publishing.parts import DATA, FileFacts
from hf_assets.publishing.tables import FIRST
from hf_assets.storage.parquet import Table

_TEMPLATES = Path(__file__).parent / "template"
_SIZES = {
    1_000: "n<1K",
    10_000: "1K<n<10K",
    100_000: "10K<n<100K",
    1_000_000: "100K<n<1M",
    10_000_000: "1M<n<10M",
    100_000_000: "10M<n<100M",
    1_000_000_000: "100M<n<1B",
    10_000_000_000: "1B<n<10B",
    100_000_000_000: "10B<n<100B",
    1_000_000_000_000: "100B<n<1T",
}
_SHOWN_MODELS, _SHOWN_FIGURES = 10, 6
LICENSE_FILE = "LICENSE.md"


@dataclass(frozen=True)
class Contents:
    """What a repository has, besides its texts.

    Attributes:
        repository: owner/name.
        license: the Hub's name of a licence, or other.
        about: a sentence on each table, by name.
        tables: those published.
        files: of each table, by day or month.
        figures: paths.
        metrics: the newest day of `daily_metrics`, if there is one.
        hidden: names that must not be shown.
    """

    repository: str
    license: str
    about: Mapping[str, str]
    tables: Sequence[Table]
    files: Mapping[str, Mapping[str, FileFacts]]
    figures: Sequence[str]
    metrics: pl.LazyFrame | None
    hidden: AbstractSet[str]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(one.rows for files in self.files.values() for one in files.values())

    @property
    def days(self) -> tuple[str, str]:
        """The first day and the last; the same word twice where no table has days."""
        keys = sorted({key for files in self.files.values() for key in files if len(key) == 10})
        return (keys[0], keys[-1]) if keys else ("no day", "no day")


def documents(contents: Contents) -> dict[str, str]:
    """The texts by path."""
    package = data_package(
        contents.repository, contents.license, contents.about, contents.tables, contents.files
    )
    return {
        "README.md": _card(contents),
        "datapackage.json": json.dumps(package, ensure_ascii=False, indent=1) + "\n",
        LICENSE_FILE: _filled("license.md", {"terms": _terms(contents.license)}),
    }


def _card(contents: Contents) -> str:
    first, last = contents.days
    values = {
        "first_day": first,
        "last_day": last,
        "repository": contents.repository,
        "tables": _tables(contents),
        "columns": "\n".join(_columns(contents)),
        "most_downloaded": _most_downloaded(contents),
        "figures": "\n".join(
            f"![{inert(Path(path).stem.replace('_', ' '))}]({path})"
            for path in contents.figures[:_SHOWN_FIGURES]
        ),
        "default": _default(contents),
        "license_file": LICENSE_FILE,
    }
    front = DatasetCardData(
        pretty_name="The Hugging Face Hub, day by day",
        size_categories=[_size(contents.rows)],
        tags=["hugging-face-hub", "metadata", "time-series", "hf_assets"],
        configs=[_config(one.name, one.name == _default(contents)) for one in contents.tables],
        **_license(contents.license),
    )
    return f"---\n{front.to_yaml()}\n---\n\n{_filled('card.md', values)}"


def _filled(name: str, values: Mapping[str, str]) -> str:
    # In one pass: a dollar sign in a value stays one.
    return Template((_TEMPLATES / name).read_text("utf-8")).substitute(values)


def _default(contents: Contents) -> str:
    names = [one.name for one in contents.tables]
    return FIRST if FIRST in names else names[0]


def _config(name: str, default: bool) -> dict[str, Any]:
    files = [{"split": "train", "path": f"{DATA}/{name}/*.parquet"}]
    return {"config_name": name, "data_files": files} | ({"default": True} if default else {})


def _license(license: str) -> dict[str, Any]:
    if license != "other":
        return {"license": license}
    name = "facts-listed-by-the-hub"
    return {"license": "other", "license_name": name, "license_link": LICENSE_FILE}


def _terms(license: str) -> str:
    if license == "other":
        return "The publisher of this repository grants no licence and claims no right in them."
    return (
        f"The publisher of this repository licenses what is theirs in it, the selection and the "
        f"sums, under {license}."
    )


def _size(rows: int) -> str:
    return next((name for limit, name in _SIZES.items() if rows < limit), "n>1T")


def _tables(contents: Contents) -> str:
    rows = []
    for one in contents.tables:
        files = contents.files[one.name]
        keys = [key for key in files if key != "all"]
        span = f"{keys[0]} to {keys[-1]}" if keys else "all days"
        size = sum(file.size for file in files.values())
        rows.append([
            f"[`{one.name}`](#{one.name})",
            _cell(contents.about.get(one.name, "")),
            span,
            f"{sum(file.rows for file in files.values()):,}",
            f"{len(files):,}",
            f"{size / 1e6:,.1f}",
        ])  # fmt: skip
    return table(["Table", "Content", "From, to", "Rows", "Files", "MB"], rows, texts=3)


def _columns(contents: Contents) -> Iterator[str]:
    for one in contents.tables:
        rows = [
            [f"`{name}`", _kind(column.dtype), _cell(column.description)]
            for name, column in one.columns.items()
        ]
        yield f"\n### {one.name}\n\n{table(['Column', 'Type', 'Meaning'], rows, texts=3)}"


def _kind(dtype: Any) -> str:
    return _cell(str(dtype() if isinstance(dtype, type) else dtype)).lower()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _most_downloaded(contents: Contents) -> str:
    if contents.metrics is None:
        return ""
    rows = (
        contents.metrics.filter(pl.col("dimension") == "model", pl.col("downloads").is_not_null())
        .filter(pl.col("key").is_in(sorted(contents.hidden)).not_())
        .sort("rank")
        .head(_SHOWN_MODELS)
        .select("key", "downloads")
        .collect()
    )
    shown = [[inert(key), f"{downloads:,}"] for key, downloads in rows.iter_rows()]
    head = ["Most downloaded on the last day", "Downloads in 30 days"]
    return table(head, shown) if shown else ""
