"""A page of a repository's file tree as the Hub serves it."""

from typing import Annotated, Literal

import msgspec


class TreeEntry(msgspec.Struct, frozen=True):
    """A file or folder of a tree; a Git LFS file has its real size.

    What else the Hub serves (oid, lfs, xetHash, lastCommit, …) is kept in the bytes alone.
    """

    path: Annotated[str, msgspec.Meta(min_length=1)]
    type: Literal["file", "directory"]
    size: Annotated[int, msgspec.Meta(ge=0, le=1 << 60)] = 0


_PAGE = msgspec.json.Decoder(list[TreeEntry])


def tree_entries(page: bytes) -> list[TreeEntry]:
    """The entries of a page. ValueError for anything but a list of files and folders."""
    try:
        return _PAGE.decode(page)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
