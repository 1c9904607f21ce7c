"""The archive of past days that a setting names."""

from pathlib import Path
from typing import Any

from hf_assets.hub.archive.base import Archive, ArchiveError
from hf_assets.hub.archive.hub_stats import DATASET, HubStats
from hf_assets.hub.archive_folder.folder import RecordedDays


def open_archive(where: str, **options: Any) -> Archive | None:
    """The archive that a setting names: a dataset like hub-stats, a folder, or "none".

    Args:
        where: `author/dataset`, the path of a folder, or "none".
        options: for `HubStats`: time-outs and the like.

    Raises:
        ArchiveError: neither.
    """
    where = where.strip()
    if where.lower() in ("", "none"):
        return None
    folder = Path(where).expanduser()
    if folder.is_dir():
        return RecordedDays(folder)
    if DATASET.fullmatch(where):
        return HubStats(where, **options)
    raise ArchiveError(
        f"HF_ASSETS_ARCHIVE={where!r} is no folder and no dataset's name: set it to a folder of "
        "recorded days, to author/dataset, or to none."
    )
