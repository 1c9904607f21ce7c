"""Records: typed JSON objects in the files of a lake.

A key that an earlier version did not write gets the field's default; a key without a field is
ignored.
"""

from collections.abc import Mapping
from typing import Any, Self

import msgspec


class Record(msgspec.Struct, kw_only=True):
    """Fields that are written as a JSON object; `msgspec.field(name=…)` gives a key of its own."""

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """The record of a JSON object. msgspec.ValidationError where a value has another type."""
        return msgspec.convert(value, cls)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the record."""
        return msgspec.to_builtins(self)


class Footer(Record):
    """The footer of a table's Parquet file.

    Attributes:
        day: the partition key; None for a table without days.
        rows: of the table; None in a file of an early version.
        notes: counts by name, or the record that the table's writer gave.
        provenance: for each raw asset behind the table, a summary of its capture.
        seconds: that writing took.
        aside: the files of the side tables by name; None in a file of an early version.
        list_nulls: nulls by column of lists, as Parquet counts their elements; None in a file of
            an earlier version.
    """

    day: str | None = None
    rows: int | None = None
    notes: dict[str, Any] = {}
    provenance: dict[str, dict[str, Any]] = {}
    seconds: float = 0.0
    aside: dict[str, str] | None = None
    list_nulls: dict[str, int] | None = None


class CaptureProvenance(Record):
    """Where the rows of a table come from: the summary of a capture in the table's footer.

    Attributes:
        source: "captured", "hub-stats" or "folder".
        endpoint: the Hub that was listed.
        dataset: of an archive on the Hub; `revision` its commit.
        file: of an archive.
        finished: end of the capture, ISO 8601.
        time_known: False where an archive gives the day only.
        sha256: of the pages.
        limited: the listing was filtered, or cut off at a number of rows.
        identity: "hub" where rows have the Hub's `_id`, "name" where they have names only.
        absent: fields that the source lacks.
        absent_kind: why the source has no rows of this kind, if it has none.
    """

    source: str = "captured"
    endpoint: str | None = None
    dataset: str | None = None
    revision: str | None = None
    file: str | None = None
    finished: str | None = None
    time_known: bool = True
    sha256: str | None = None
    limited: bool = False
    identity: str = "hub"
    absent: list[str] = []
    absent_kind: str | None = None

    @property
    def origin(self) -> str:
        """The revision and the file, or the endpoint, in words."""
        if self.revision:
            dataset = f"{self.dataset} at {self.revision[:12]}"
            return f"{dataset}, {self.file}" if self.file else dataset
        return self.file or self.endpoint or "an unknown Hub"
