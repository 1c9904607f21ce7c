"""The commit rule: one object is one PUT on a condition, and an answer that is lost is read back.

A PUT is complete or not there. Its condition is what the writer saw before it began: no object, or
one version of it. Where another writer was faster the condition fails, and what it stored stands.
"""

import hashlib
from pathlib import Path

from hf_assets.object_store.errors import CommitConflict, asking
from hf_assets.object_store.path import StorePath, api

# The tag of what a writer saw; None: nothing.
Seen = str | None


def seen(path: StorePath) -> Seen:
    """What is there before a writer begins: the condition of its `commit`."""
    facts = path.facts()
    return facts.tag if facts else None


def commit(path: StorePath, content: bytes | Path, before: Seen) -> None:
    """Store an object where nothing changed since `before`.

    Args:
        path: of the object.
        content: bytes, or a file of this machine.
        before: what `seen` gave.

    Raises:
        CommitConflict: another writer has stored something else meanwhile.
        StoreError: the store does not take it.
    """
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    mode = "create" if before is None else {"e_tag": before}
    try:
        with asking(path):
            api().put(path.address.client(), path.key, content, mode=mode, use_multipart=False)
    except (AlreadyExistsError, PreconditionError, FileNotFoundError):
        if not _is_stored(path, content):
            raise CommitConflict(path) from None


def overwrite(path: StorePath, content: bytes | Path) -> None:
    """Store an object whatever is there: copies and caches, of which any version will do."""
    with asking(path):
        api().put(path.address.client(), path.key, content, use_multipart=False)


def _is_stored(path: StorePath, content: bytes | Path) -> bool:
    """Whether the store has just that: the answer to a PUT that succeeded was lost."""
    facts = path.facts()
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    if facts is None or facts.size != size:
        return False
    digest = hashlib.sha256()
    with asking(path):
        for part in api().get(path.address.client(), path.key).stream():
            digest.update(part)
    if isinstance(content, bytes):
        return digest.digest() == hashlib.sha256(content).digest()
    with content.open("rb") as file:
        return digest.digest() == hashlib.file_digest(file, "sha256").digest()
