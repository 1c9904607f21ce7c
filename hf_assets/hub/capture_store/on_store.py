"""Requests for captures on an object store that a path has no method for."""

from hf_assets.hub.capture_store.page_frames import START, line_length
from hf_assets.object_store.errors import asking
from hf_assets.object_store.path import StorePath, api
from hf_assets.object_store.reading import get


def start_of(path: StorePath) -> bytes:
    """The beginning of a page's object, with all of its line. FileNotFoundError."""
    start = bytes(get(path, (0, START))[1])
    end = line_length(start)
    if end is not None and end > len(start):
        start = bytes(get(path, (0, end))[1])
    return start


def later(folder: StorePath, after: str) -> list[StorePath]:
    """The objects below whose name, relative to the folder, follows that one, in order."""
    client, found = folder.address.client(), []
    with asking(folder):
        for batch in api().list(client, folder.key, offset=f"{folder.key}/{after}"):
            found += [StorePath(folder.address, meta["path"]) for meta in batch]
    return found
