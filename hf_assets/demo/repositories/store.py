"""Repositories in memory: commits, their files, and large files that were sent before.

Known to differ from the live Hub: no branches but `main`, no pull requests; files in a Xet store
cannot be read.
"""

import base64
import fnmatch
import hashlib
import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from threading import RLock
from typing import Any

from hf_assets.demo.repositories.card_rules import SDKS, card_errors
from hf_assets.demo.service.blobs import Blob, blob_id

# Bytes of a file that may stand in a commit itself, and of all of them together.
MOST_REGULAR, MOST_PAYLOAD = 10_000_000, 1_000_000_000
MOST_LARGE_FILES = 25_000
LARGE_PATTERNS = (
    *("*.parquet", "*.arrow", "*.bin", "*.gz", "*.zip", "*.zst", "*.npy", "*.safetensors"),
    *("*.png", "*.jpg", "*.jpeg", "*.webp", "*.mp3", "*.wav", "*.onnx"),
)
ATTRIBUTES = "".join(
    f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LARGE_PATTERNS
).encode()
# What the address of a page begins with.
PREFIXES = {"model": "", "dataset": "datasets/", "space": "spaces/"}
_SPACE_CARD = b"""---
title: New
emoji: \xf0\x9f\x9a\x80
colorFrom: red
colorTo: gray
sdk: gradio
sdk_version: 6.0.0
app_file: app.py
pinned: false
---

Check out the configuration reference.
"""
_NAME = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9](?:[\w.-]{0,94}[A-Za-z0-9])?", re.ASCII)
_FORBIDDEN = frozenset((".git", ".cache", "..", ".", ""))


class Refused(Exception):
    """An answer that is an error.

    Args:
        status: of HTTP.
        message: for the caller.
        code: the Hub's X-Error-Code, if it has one.
    """

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass(frozen=True)
class File:
    """A file of a commit: its content, or the name of a large file that was sent."""

    content: bytes | None = None
    large: Blob | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return self.large.size if self.large else len(self.content or b"")

    @property
    def oid(self) -> str:
        """git's name of what the commit holds."""
        return self.large.oid if self.large else blob_id(self.content or b"")


@dataclass(frozen=True)
class Commit:
    """One commit and the files after it."""

    oid: str
    title: str
    date: str
    files: Mapping[str, File]


@dataclass
class Repository:
    """A repository.

    Attributes:
        name: owner/name.
        kind: dataset, model or space.
        private: shown to its owner only.
        commits: the oldest first.
        objects: large files by SHA-256, of commits or sent for one.
        elsewhere: whether another store has a large file of that SHA-256.
    """

    name: str
    kind: str
    private: bool
    commits: list[Commit] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    elsewhere: Callable[[str], bool] = lambda _: False
    lock: RLock = field(default_factory=RLock, repr=False)

    @property
    def page(self) -> str:
        """The path of its page, with which its addresses begin."""
        return f"/{PREFIXES[self.kind]}{self.name}"

    @property
    def head(self) -> Commit:
        """The newest commit."""
        return self.commits[-1]

    def at(self, revision: str) -> Commit:
        """`main`, or a commit by its name. Refused where it has none."""
        if revision == "main":
            return self.head
        for commit in self.commits:
            if commit.oid == revision:
                return commit
        raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def content(self, file: File) -> bytes:
        """The bytes of a file. Refused where another store has them."""
        if file.large and file.large.sha256 not in self.objects:
            raise Refused(501, "the file is in the Xet store")
        return self.objects[file.large.sha256] if file.large else file.content or b""

    def is_large(self, path: str, size: int, sample: bytes) -> bool:
        """Whether a file must be sent before the commit, as its content does not fit into git."""
        matched = any(fnmatch.fnmatch(PurePosixPath(path).name, one) for one in LARGE_PATTERNS)
        return size > 0 and (matched or size > MOST_REGULAR or b"\0" in sample)

    def commit(self, lines: list[dict[str, Any]], revision: str) -> Commit:
        """Make a commit of the lines of a request. Refused, and then nothing has changed."""
        if revision != "main":
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        header, operations = _header(lines)
        with self.lock:
            parent = header.get("parentCommit")
            if parent is not None and not self.head.oid.startswith(parent.lower()):
                raise Refused(412, "A commit has happened since. Please refresh and try again.")
            files = dict(self.head.files)
            self._check_sizes(operations)
            for operation in operations:
                self._apply(operation, files)
            if card := files.get("README.md"):
                errors, _ = card_errors(self.content(card).decode(errors="replace"), self.kind)
                if errors:
                    raise Refused(400, f"Invalid metadata in README.md: {errors[0]}")
            _require_tree(files)
            self._add(header["summary"], files)
            return self.head

    def _check_sizes(self, operations: list[dict[str, Any]]) -> None:
        if not operations:
            raise Refused(400, "No files have been modified since last commit")
        large = [one for one in operations if one["key"] == "lfsFile"]
        payload = sum(
            len(str(one["value"].get("content", ""))) for one in operations if one["key"] == "file"
        )
        if len(large) > MOST_LARGE_FILES or payload > MOST_PAYLOAD:
            raise Refused(413, "The commit is too large")

    def _apply(self, operation: dict[str, Any], files: dict[str, File]) -> None:
        key, value = operation["key"], operation["value"]
        path = _path(value.get("path"), folder=key == "deletedFolder")
        if key == "file":
            files[path] = File(self._regular(path, value))
        elif key == "lfsFile":
            files[path] = File(large=self._large(path, value))
        elif key == "deletedFile":
            if files.pop(path, None) is None:
                raise Refused(404, "A file with this name doesn't exist", "EntryNotFound")
        elif key == "deletedFolder":
            inside = [one for one in files if one.startswith(f"{path}/")]
            if not inside:
                raise Refused(404, "A folder with this name doesn't exist", "EntryNotFound")
            for one in inside:
                del files[one]
        else:
            raise Refused(400, f"Unknown operation: {key}")

    def _regular(self, path: str, value: dict[str, Any]) -> bytes:
        if value.get("encoding") != "base64" or not isinstance(value.get("content"), str):
            raise Refused(400, f"{path}: content must be base64")
        try:
            content = base64.b64decode(value["content"], validate=True)
        except ValueError:
            raise Refused(400, f"{path}: content must be base64") from None
        if self.is_large(path, len(content), content[:512]):
            raise Refused(400, f"{path}: such a file must be committed with LFS")
        return content

    def _large(self, path: str, value: dict[str, Any]) -> Blob:
        oid, size = value.get("oid"), value.get("size")
        if value.get("algo") != "sha256" or not re.fullmatch(r"[0-9a-f]{64}", str(oid)):
            raise Refused(400, f"{path}: an LFS file has a sha256")
        content = self.objects.get(str(oid))
        if content is None and isinstance(size, int) and self.elsewhere(str(oid)):
            return Blob(size, str(oid))
        if content is None or (size is not None and size != len(content)):
            raise Refused(400, f"LFS pointer pointed to a file that does not exist: {path}")
        return Blob(len(content), str(oid))

    def _add(self, title: str, files: Mapping[str, File]) -> None:
        names = sorted((path, file.oid) for path, file in files.items())
        text = f"{self.name}/{len(self.commits)}/{title}/{names}"
        oid = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.commits.append(Commit(oid, title, date, dict(files)))

    def begin(self) -> None:
        """Make the first commit, as the Hub does."""
        files = {".gitattributes": File(ATTRIBUTES)}
        if self.kind == "space":
            files["README.md"] = File(_SPACE_CARD)
        self._add("initial commit", files)


class Repositories:
    """The repositories of a Hub, and who may write.

    Args:
        tokens: the user of each token that may write.
        readers: of tokens that may read only.
    """

    def __init__(
        self, tokens: Mapping[str, str] | None = None, readers: Mapping[str, str] | None = None
    ) -> None:
        self.tokens, self.readers = dict(tokens or {}), dict(readers or {})
        # By `datasets/owner/name`, `models/owner/name` or `spaces/owner/name`.
        self.by_name: dict[str, Repository] = {}
        self.elsewhere: Callable[[str], bool] = lambda _: False
        self._lock = RLock()

    def create(self, token: str | None, asked: Mapping[str, Any]) -> Repository:
        """Create the repository of a request. Refused."""
        user, name, kind = self.writer(token), asked.get("name"), asked.get("type", "model")
        owner = asked.get("organization") or user
        if kind not in PREFIXES:
            raise Refused(400, f'"type" must be one of {", ".join(PREFIXES)}')
        if kind == "space" and asked.get("sdk") not in SDKS:
            raise Refused(400, f'"sdk" must be one of [{", ".join(SDKS)}]')
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name.endswith(".git"):
            raise Refused(400, f"Invalid repo name: {name}")
        if owner != user:
            raise Refused(
                403, f'You don\'t have the rights to create a {kind} under the namespace "{owner}"'
            )
        private = bool(asked.get("private")) or asked.get("visibility") == "private"
        with self._lock:
            key, name = f"{kind}s/{owner}/{name}", f"{owner}/{name}"
            if key in self.by_name:
                raise Refused(409, f"You already created this {kind} repo")
            made = Repository(name, kind, private, elsewhere=self.elsewhere)
            self.by_name[key] = made
            made.begin()
        return made

    def writer(self, token: str | None, repository: Repository | None = None) -> str:
        """The user of a token that may write (to that repository). Refused."""
        if token is None:
            raise Refused(401, "Invalid username or password.")
        user = self.tokens.get(token)
        if user is None or (repository and repository.name.split("/")[0] != user):
            raise Refused(403, "Forbidden: you don't have write access with this token")
        return user

    def read(self, token: str | None, kind: str, name: str) -> Repository:
        """A repository that the token may read. Refused."""
        repository = self.by_name.get(f"{kind}s/{name}")
        user = (self.tokens | self.readers).get(token or "")
        if repository is None or (repository.private and user != name.split("/")[0]):
            raise Refused(404, "Repository not found", "RepoNotFound")
        return repository


def _header(lines: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    for line in lines:
        if set(line) != {"key", "value"} or not isinstance(line["value"], dict):
            raise Refused(400, "each line must be an object with key and value")
    if not lines or lines[0]["key"] != "header":
        raise Refused(400, "the first line must be the header")
    header, *operations = lines
    if any(one["key"] == "header" for one in operations):
        raise Refused(400, "there is one header")
    value = header["value"]
    if not isinstance(value.get("summary"), str) or not value["summary"].strip():
        raise Refused(400, '"summary" is not allowed to be empty')
    parent = value.get("parentCommit")
    if parent is not None and not re.fullmatch(r"[0-9a-fA-F]{5,40}", str(parent)):
        raise Refused(400, "parentCommit must be a commit")
    return value, operations


def _path(value: Any, *, folder: bool) -> str:
    path = str(value).removesuffix("/") if folder else str(value)
    if not isinstance(value, str) or _FORBIDDEN & set(path.split("/")) or "\\" in path:
        raise Refused(400, f"Invalid path: {value}")
    return path


def _require_tree(files: Mapping[str, File]) -> None:
    """Refused where a path is a file and a folder."""
    folders = set(itertools.chain.from_iterable(map(str, PurePosixPath(one).parents)
                                                for one in files))  # fmt: skip
    if both := folders & files.keys():
        raise Refused(400, f"{min(both)} is a file and a folder")
