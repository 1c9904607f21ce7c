"""The archive of past days that a setting names."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from hf_assets.errors import clean
from hf_assets.hub.archive.base import Archive, ArchiveError
from hf_assets.hub.archive.hub_stats import DATASET, HubStats, archive_errors
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.client.connection import HubConnection
from hf_assets.hub.client.wire import Kind


def open_archive(where: str, **options: Any) -> Archive | None:
    """Open the archive that a setting names: a dataset like hub-stats, a folder, or "none".

    Args:
        where: `author/dataset`, the path of a folder, or "none".
        options: of the connection to the Hub that serves a dataset: time-outs and the like.

    Raises:
        ArchiveError: the setting is neither, or HF_ENDPOINT holds a password.
    """
    where = where.strip()
    if where.lower() in ("", "none"):
        return None
    if folder := _folder(where):
        return RecordedDays(folder)
    if DATASET.fullmatch(where):
        with archive_errors(where):
            return HubStats(where, HubConnection(**options))
    raise ArchiveError(
        f"HF_ASSETS_ARCHIVE={where!r} is no folder and no dataset's name: set it to a folder of "
        "recorded days, to author/dataset, or to none."
    )


def why_no_archive(where: str) -> str | None:
    """Why that setting gives no archive; None if it does, or is "none".

    Requests nothing: a dataset's name is only read.
    """
    try:
        if folder := _folder(where.strip()):
            RecordedDays(folder).require_days()
        else:
            open_archive(where)
    except ArchiveError as error:
        return str(error)
    return None


def archive_dataset(where: str) -> str | None:
    """The name of the dataset that the setting names; None: a folder, "none", or neither."""
    where = where.strip()
    try:
        return where if DATASET.fullmatch(where) and not _folder(where) else None
    except ArchiveError:
        return None


def _folder(where: str) -> Path | None:
    try:
        folder = Path(where).expanduser() if where else None
        return folder if folder and folder.is_dir() else None
    except (OSError, RuntimeError, ValueError) as error:  # no access; no such user's home
        raise ArchiveError(
            f"HF_ASSETS_ARCHIVE={clean(where)!r} cannot be read: {clean(error)}."
        ) from None


@dataclass
class BrokenArchive:
    """An archive that cannot be opened: a past day fails with the reason, today does not."""

    error: ArchiveError
    name: str = "the archive"
    workers: int = 1

    def days(self) -> NoReturn:
        """ArchiveError."""
        raise self.error

    def find(self, kind: Kind, day: str) -> NoReturn:  # noqa: ARG002 - as of any archive
        """ArchiveError."""
        raise self.error

    def remarks(self, first: str) -> list[str]:  # noqa: ARG002
        """The reason, in every run."""
        return [f"Past days have no archive: {self.error}"]
