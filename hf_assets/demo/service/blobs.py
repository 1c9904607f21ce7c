"""How git and Git LFS name a file."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Blob:
    """What is known of a file without its bytes.

    size: bytes.
    sha256: of them; what the Hub calls the LFS oid.
    """

    size: int
    sha256: str

    @property
    def pointer(self) -> bytes:
        """What git keeps in its place."""
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\n"
        return f"{text}size {self.size}\n".encode()

    @property
    def oid(self) -> str:
        """git's own hash of the pointer."""
        return blob_id(self.pointer)


def blob_id(content: bytes) -> str:
    """git's hash of a file."""
    whole = f"blob {len(content)}\0".encode() + content
    return hashlib.sha1(whole, usedforsecurity=False).hexdigest()
