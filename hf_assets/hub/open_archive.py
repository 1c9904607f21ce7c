"""The archive of past days that a setting names."""

from pathlib import Path
from typing import Any

from hf_assets.hub.archive.base import Archive, ArchiveError
from hf_assets.hub.archive.hub_stats import DATASET, HubStats, archive_errors
from hf_assets.hub.archive_folder.folder import RecordedDays
from hf_assets.hub.client.connection import HubConnection


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
    folder = Path(where).expanduser()
    if folder.is_dir():
        return RecordedDays(folder)
    if DATASET.fullmatch(where):
        with archive_errors(where):
            return HubStats(where, HubConnection(**options))
    raise ArchiveError(
        f"HF_ASSETS_ARCHIVE={where!r} is no folder and no dataset's name: set it to a folder of "
        "recorded days, to author/dataset, or to none."
    )
