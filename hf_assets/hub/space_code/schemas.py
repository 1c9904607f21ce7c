"""The files of Spaces: the Hub's answers of a day, and the code counted from them."""

import polars as pl

from hf_assets.hub.tables.schemas import TEXTS, TIME
from hf_assets.storage.parquet import Column, Table

# Why a Space's files, or its size, are unknown. A tree that was read has no reason.
REASONS = {
    "gone": "the Hub has no such Space any more",
    "private or gated": "the token may not see it",
    "disabled": "closed by the Hub",
    "too many files": "more entries than are read",
    "invalid answer": "no list of files",
    "refused": "the Hub refuses the request, or takes no repository of that name",
    "failed": "no answer after retries, or a recorded failure",
    "not asked": "the most requests of a night were reached, or none are allowed",
    "not recorded": "the recording has no value, and no reason",
}
# Why the packages of a Space whose tree is known are unknown.
PACKAGE_REASONS = {
    "no requirements.txt": "the Space has none at its root",
    "too large": "its requirements.txt is too large for one",
    "files unknown": "its tree is unknown",
    **REASONS,
}
# What stands as long as the Space's last commit does; any other answer is asked for again.
FINAL = (None, "too many files")
FINAL_PACKAGES = (None, "no requirements.txt", "too large", "gone", "files unknown")

KINDS = pl.List(pl.Struct({"kind": pl.String, "files": pl.Int64, "bytes": pl.Int64}))

_DAY = Column(pl.Date, "Day of the snapshot, UTC: the partition.")
_HUB_ID = Column(pl.String, "The Hub's own identity of the Space (`_id`); name:… in a recording.")
_ID = Column(pl.String, "author/name, as of that day.")
_MODIFIED = Column(TIME, "Last commit, UTC; the answer holds as long as it stands.")
_ASKED = Column(TIME, "When the Hub was asked, UTC; null: never, or a recording.")
_REASON = Column(
    pl.String, f"Why files or bytes are unknown: {', '.join(REASONS)}. Null: they are known."
)
_NO_PACKAGES = Column(
    pl.String, "Why packages are unknown: as `reason`, no requirements.txt, too large, …."
)

RAW_SPACE_TREES = Table(
    name="raw_space_trees",
    required=("hub_id", "id"),
    # A tree has a kilobyte or a megabyte: small groups keep memory constant.
    row_group=256,
    columns={
        "day": _DAY,
        "hub_id": _HUB_ID,
        "id": _ID,
        "last_modified": _MODIFIED,
        "asked": _ASKED,
        "requests": Column(pl.Int32, "Requests that the answer took."),
        "reason": _REASON,
        "pages": Column(pl.List(pl.Binary), "Pages of the file tree, as served (JSON)."),
        "requirements": Column(pl.Binary, "requirements.txt, as served."),
        "packages_reason": _NO_PACKAGES,
        "n_files": Column(pl.Int64, "Files, as recorded; null for an answer of the Hub."),
        "bytes": Column(pl.Int64, "Bytes of all files, as recorded; likewise."),
        "tags": Column(TEXTS, "Tags or categories of its models, as recorded; likewise."),
    },
)

SPACE_CODE = Table(
    name="space_code",
    required=("hub_id", "id"),
    preview_by="bytes_code",
    columns={
        "day": _DAY,
        "hub_id": _HUB_ID,
        "id": _ID,
        "last_modified": _MODIFIED,
        "asked": _ASKED,
        "models": Column(TEXTS, "Models of `top_models` that it uses; null in a recording."),
        "tags": Column(TEXTS, "Tags for which those models were chosen; null: not recorded."),
        "categories": Column(TEXTS, "Categories of those models, each once; null likewise."),
        "n_files": Column(pl.Int64, "Files of all kinds."),
        "bytes": Column(pl.Int64, "Bytes of all files, Git LFS files at their real size."),
        "n_files_code": Column(pl.Int64, "Files of code; null in a recording."),
        "bytes_code": Column(pl.Int64, "Bytes of code, outputs in notebooks too; null likewise."),
        "languages": Column(KINDS, "Files and bytes of code by language, most bytes first."),
        "n_files_other": Column(pl.Int64, "Files that are no code: weights, media, data, ….",),
        "bytes_other": Column(pl.Int64, "Bytes of those files."),
        "others": Column(KINDS, "The same by kind: weights, media, data, text, other."),
        "packages": Column(pl.Int64, "Packages that requirements.txt at its root names."),
        "requirements_includes": Column(pl.Int64, "Files that it includes: not counted."),
        "requirements_invalid": Column(pl.Int64, "Lines of it that are no requirement."),
        "reason": _REASON,
        "packages_reason": _NO_PACKAGES,
    },
)  # fmt: skip
