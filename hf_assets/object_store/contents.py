"""What lies below a folder or an address: names, how many, how large."""

import os
from typing import NamedTuple

from hf_assets.object_store.path import LakePath, StorePath


class Contents(NamedTuple):
    """Files or objects, and their bytes."""

    count: int
    bytes: int


def folder_names(root: LakePath) -> list[str]:
    """The folders right below, sorted; none where there is nothing. One request."""
    if isinstance(root, StorePath):
        return [folder.name for folder in root.children()[0]]
    return (
        sorted(entry.name for entry in os.scandir(root) if entry.is_dir()) if root.is_dir() else []
    )


def contents_of(root: LakePath) -> Contents:
    """All below; files that go meanwhile do not count. A request for 1,000 objects."""
    count = total = 0
    if isinstance(root, StorePath):
        for _, facts in root.below():
            count, total = count + 1, total + facts.size
        return Contents(count, total)
    for path, _, names in os.walk(root):
        for name in names:
            try:
                size = os.lstat(f"{path}/{name}").st_size
            except OSError:
                continue
            count, total = count + 1, total + size
    return Contents(count, total)
