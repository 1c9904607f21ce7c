"""How the Hub names the content of files: large ones by SHA-256, small ones as git does."""

import hashlib
from pathlib import Path
from typing import NamedTuple, Protocol

from hf_assets.storage.digests import git_blob_id, sha256


class Hashed(Protocol):
    """A content by its size in bytes and both of its names."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def sha256(self) -> str:
        """The name of a large file."""
        ...

    @property
    def blob(self) -> str:
        """The name of a small file."""
        ...


class Hashes(NamedTuple):
    """A content of a file."""

    size: int
    sha256: str
    blob: str


def hashes(content: Path | bytes) -> Hashes:
    """The names of a content, of a file or in memory."""
    if isinstance(content, Path):
        return Hashes(content.stat().st_size, sha256(content), git_blob_id(content))
    git = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return Hashes(len(content), hashlib.sha256(content).hexdigest(), git.hexdigest())
