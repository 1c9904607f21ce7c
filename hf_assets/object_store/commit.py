"""The commit rule: one object is one PUT on a condition, and an answer that is lost is read back.

A PUT is complete or not there. Its condition is what the writer saw before it began: no object, or
one version of it. Where another writer was faster the condition fails, and what it stored stands.
"""

import hashlib
from enum import Enum
from pathlib import Path
from typing import Any, Final

from hf_assets.object_store.errors import CommitConflict, StoreError, asking
from hf_assets.object_store.path import StorePath, api


class Condition(Enum):
    """What a writer wants where it did not look."""

    LOOK = "what is there when the writer begins"
    ANY = "whatever is there: copies and caches, of which any version will do"


LOOK: Final = Condition.LOOK
ANY: Final = Condition.ANY

# The tag of what a writer saw; None: nothing.
Seen = str | None
# A file of more bytes is sent from the disk's cache, without a copy in memory.
_MAPPED = 1 << 20


def seen(path: StorePath) -> Seen:
    """What is there before a writer begins: the condition of its `commit`."""
    facts = path.facts()
    return facts.tag if facts else None


def commit(path: StorePath, content: bytes | Path, before: Seen) -> None:
    """Store an object where nothing changed since `before`.

    Args:
        path: of the object.
        content: bytes, or a file of this machine that nobody changes.
        before: what `seen` gave.

    Raises:
        CommitConflict: another writer has stored something else meanwhile.
        StoreError: the store does not take it.
    """
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    try:
        _put(path, content, "create" if before is None else {"e_tag": before})
    except (AlreadyExistsError, PreconditionError, FileNotFoundError):
        # The client sends a PUT again whose answer it did not get: the second meets the first.
        there = path.facts()
        if there is None or not _is_stored(path, there.size, content):
            raise CommitConflict(path, deleted=there is None) from None
    except StoreError as error:
        if error.permanent or not _was_stored(path, content):
            raise


def overwrite(path: StorePath, content: bytes | Path) -> None:
    """Store an object whatever is there: copies and caches, of which any version will do."""
    _put(path, content, "overwrite")


def _put(path: StorePath, content: bytes | Path, mode: Any) -> None:
    body: Any = content
    if isinstance(content, Path):
        import numpy as np

        # Of a path or a file the client makes a copy in memory first.
        large = content.stat().st_size > _MAPPED
        body = np.memmap(content, np.uint8, "r") if large else content.read_bytes()
    with asking(path):
        api().put(path.address.client(), path.key, body, mode=mode, use_multipart=False)


def _was_stored(path: StorePath, content: bytes | Path) -> bool:
    """Whether the store has it, as far as it answers: a PUT may succeed, and its answer be lost."""
    try:
        there = path.facts()
        return there is not None and _is_stored(path, there.size, content)
    except (StoreError, FileNotFoundError):
        return False


def _is_stored(path: StorePath, size: int, content: bytes | Path) -> bool:
    """Whether the object of that size is just that."""
    if size != (len(content) if isinstance(content, bytes) else content.stat().st_size):
        return False
    digest = hashlib.sha256()
    for part in path.parts():
        digest.update(part)
    if isinstance(content, bytes):
        return digest.digest() == hashlib.sha256(content).digest()
    with content.open("rb") as file:
        return digest.digest() == hashlib.file_digest(file, "sha256").digest()
