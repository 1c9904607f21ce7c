"""Git LFS of embedded repositories: which large files are missing, and taking them in.

A file is sent to a signed address, without the token, at once or in parts; then it is verified.
"""

import hashlib
import re
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hf_assets.demo.repositories.store import Refused, Repository

TYPE = "application/vnd.git-lfs+json"
MOST_OBJECTS = 1000
_OID = re.compile(r"[0-9a-f]{64}")


@dataclass
class Upload:
    """A large file that is on its way."""

    repository: Repository
    oid: str
    size: int
    parts: int
    received: dict[int, bytes] = field(default_factory=dict)


class LargeFiles:
    """Uploads by their secret.

    Args:
        part_size: bytes of a part; files that are larger come in parts.
    """

    def __init__(self, part_size: int = 5_000_000) -> None:
        self.part_size = part_size
        self.uploads: dict[str, Upload] = {}

    def batch(self, repository: Repository, asked: Any, base: str) -> dict[str, Any]:
        """The answer to a list of large files: how those that are missing are sent. Refused."""
        if not isinstance(asked, dict) or asked.get("operation") != "upload":
            raise Refused(400, "operation must be upload")
        objects, transfers = asked.get("objects"), asked.get("transfers", ["basic"])
        if asked.get("hash_algo", "sha256") != "sha256":
            raise Refused(409, "hash_algo must be sha256")
        if not isinstance(objects, list) or not objects or len(objects) > MOST_OBJECTS:
            raise Refused(422, f"objects must be a list of 1 to {MOST_OBJECTS}")
        multipart = "multipart" in transfers
        return {
            "transfer": "multipart" if multipart else "basic",
            "objects": [self._object(repository, one, base, multipart) for one in objects],
        }

    def _object(
        self, repository: Repository, asked: Any, base: str, multipart: bool
    ) -> dict[str, Any]:
        oid, size = asked.get("oid"), asked.get("size")
        if not isinstance(oid, str) or not _OID.fullmatch(oid) or not isinstance(size, int):
            raise Refused(422, "an object has an oid and a size")
        if size < 1:
            error = {"code": 422, "message": "an empty file is no LFS object"}
            return {"oid": oid, "size": size, "error": error}
        if oid in repository.objects:
            return {"oid": oid, "size": size}
        parts = -(-size // self.part_size) if multipart and size > self.part_size else 1
        secret = secrets.token_hex(16)
        self.uploads[secret] = Upload(repository, oid, size, parts)
        address, header = f"{base}/lfs/{secret}", dict[str, str]()
        if parts > 1:
            header = {"chunk_size": str(self.part_size)}
            header |= {str(at): f"{address}/{at}?signature={secret}" for at in range(1, parts + 1)}
            upload = {"href": f"{address}/complete", "header": header}
        else:
            upload = {"href": f"{address}/1?signature={secret}"}
        verify = {"href": f"{base}{repository.page}.git/info/lfs/verify"}
        return {"oid": oid, "size": size, "actions": {"upload": upload, "verify": verify}}

    def put(self, secret: str, signature: str | None, part: int, content: bytes) -> str:
        """Take a part; returns its ETag. Refused."""
        upload = self._upload(secret)
        if signature != secret or not 1 <= part <= upload.parts:
            raise Refused(403, "SignatureDoesNotMatch")
        upload.received[part] = content
        if upload.parts == 1:
            self._finish(secret, upload)
        return _etag(content)

    def complete(self, secret: str, asked: Any) -> None:
        """Join the parts of a file. Refused."""
        upload = self._upload(secret)
        if not isinstance(asked, dict) or asked.get("oid") != upload.oid:
            raise Refused(400, "another oid")
        wanted = [
            {"partNumber": at, "etag": _etag(upload.received.get(at, b""))}
            for at in range(1, upload.parts + 1)
        ]
        if asked.get("parts") != wanted:
            raise Refused(400, "InvalidPart")
        self._finish(secret, upload)

    def _finish(self, secret: str, upload: Upload) -> None:
        content = b"".join(upload.received[at] for at in sorted(upload.received))
        if hashlib.sha256(content).hexdigest() != upload.oid or len(content) != upload.size:
            raise Refused(400, "XAmzContentSHA256Mismatch")
        upload.repository.objects[upload.oid] = content
        del self.uploads[secret]

    def _upload(self, secret: str) -> Upload:
        if secret not in self.uploads:
            raise Refused(403, "Request has expired")
        return self.uploads[secret]


class XetFolder:
    """The store of Xet that `hf_xet` writes into a folder, in place of its service.

    Args:
        folder: of the store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def token(self) -> dict[str, str]:
        """The headers that send a client there."""
        return {
            "X-Xet-Cas-Url": f"local://{self.folder}",
            "X-Xet-Access-Token": "xet",
            "X-Xet-Token-Expiration": f"{time.time() + 3600:.0f}",
        }

    def holds(self, oid: str) -> bool:
        """Whether a file of that SHA-256 was sent: its shard has it, in words of 8 bytes."""
        digest = bytes.fromhex(oid)
        words = b"".join(digest[at : at + 8][::-1] for at in range(0, 32, 8))
        return any(words in path.read_bytes() for path in self.folder.rglob("*.mdb"))


def verify(repository: Repository, asked: Any) -> None:
    """Refused where the repository lacks a file of that oid and size."""
    content = repository.objects.get(asked.get("oid", "")) if isinstance(asked, dict) else None
    if content is None or len(content) != asked.get("size"):
        raise Refused(404, "Object not found")


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
