"""Requests for captures on an object store that a path has no method for."""

from hf_assets.hub.capture_store.page_frames import START, line_length
from hf_assets.object_store.errors import asking
from hf_assets.object_store.path import StorePath, api


def read_with_tag(path: StorePath) -> tuple[bytes, str]:
    """The content of an object and the tag of that version, in one request. FileNotFoundError."""
    with asking(path):
        answer = api().get(path.address.client(), path.key)
        return bytes(answer.bytes()), answer.meta["e_tag"] or ""


def start_of(path: StorePath) -> bytes:
    """The beginning of a page's object, with all of its line. FileNotFoundError."""
    with asking(path):
        client = path.address.client()
        start = bytes(api().get_range(client, path.key, start=0, length=START))
        end = line_length(start)
        if end is not None and end > len(start):
            start = bytes(api().get_range(client, path.key, start=0, length=end))
        return start


def later(folder: StorePath, after: str) -> list[StorePath]:
    """The objects below whose name, relative to the folder, follows that one, in order."""
    client, found = folder.address.client(), []
    with asking(folder):
        for batch in api().list(client, folder.key, offset=f"{folder.key}/{after}"):
            found += [StorePath(folder.address, meta["path"]) for meta in batch]
    return found
