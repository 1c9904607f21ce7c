"""An object of a store, or a prefix, in place of the path of a file or a folder.

It has the part of `pathlib.Path` that the lake uses, with the same meaning. A folder is there as
long as an object is below it: creating one does nothing. Each question is a request.
"""

import fnmatch
import hashlib
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias
from urllib.parse import quote

from hf_assets.object_store.address import (
    SHORT_SECONDS,
    StoreAddress,
    endpoint,
    is_address,
)
from hf_assets.object_store.errors import asking


def api() -> Any:
    """obstore: imported where a lake is on a store, and nowhere else."""
    return importlib.import_module("obstore")


@dataclass(frozen=True)
class ObjectFacts:
    """What a store says of an object: another tag, another version."""

    size: int
    tag: str
    modified: datetime

    @classmethod
    def of(cls, meta: Any) -> "ObjectFacts":
        """Of the metadata that obstore gives."""
        return cls(meta["size"], meta["e_tag"] or "", meta["last_modified"])

    @property
    def mark(self) -> tuple[int, int]:
        """Two numbers, for JSON: another mark, another version."""
        return self.size, int.from_bytes(hashlib.sha256(self.tag.encode()).digest()[:6], "big")


@dataclass(frozen=True, order=True)
class StorePath:
    """An object or a prefix under the address of a lake. `key` is relative to it, without slashes
    at its ends; empty for the lake itself."""

    address: StoreAddress
    key: str = ""

    def __str__(self) -> str:
        """As a URL."""
        return f"{self.address}/{self.key}" if self.key else str(self.address)

    def __truediv__(self, name: str | PurePosixPath) -> "StorePath":
        """The path below."""
        parts = [part for part in str(name).split("/") if part not in ("", ".")]
        if ".." in parts:
            raise ValueError(f"not a name below a folder: {name!r}")
        return StorePath(self.address, "/".join(filter(None, [self.key, *parts])))

    def joinpath(self, *names: str) -> "StorePath":
        """The path below, as of Path."""
        return self / "/".join(names)

    @property
    def name(self) -> str:
        """The last part."""
        return PurePosixPath(self.key).name

    @property
    def stem(self) -> str:
        """The last part without its suffix."""
        return PurePosixPath(self.key).stem

    @property
    def suffix(self) -> str:
        """The suffix of the last part."""
        return PurePosixPath(self.key).suffix

    @property
    def parent(self) -> "StorePath":
        """The folder above."""
        return StorePath(self.address, self.key.rpartition("/")[0])

    def with_name(self, name: str) -> "StorePath":
        """The same with another last part."""
        return self.parent / name

    def relative_to(self, other: "StorePath") -> PurePosixPath:
        """The part below `other`. ValueError where it is not below."""
        if self.address != other.address:
            raise ValueError(f"{self} is not below {other}")
        return PurePosixPath(self.key).relative_to(PurePosixPath(other.key))

    def resolve(self) -> "StorePath":
        """Itself: stores have no links."""
        return self

    def mkdir(self, *_: Any, **__: Any) -> None:
        """Nothing: a folder of a store is what its objects are named."""

    def facts(self) -> ObjectFacts | None:
        """Size, tag and time of the object; None where it is missing. One request.

        StoreError where the bucket is missing: the first object that is missing is a second one.
        """
        with asking(self):
            try:
                return ObjectFacts.of(api().head(self.address.client(), self.key))
            except FileNotFoundError:
                pass
        require_bucket(self.address, endpoint())
        return None

    def is_file(self) -> bool:
        """Whether the object is there."""
        return bool(self.key) and self.facts() is not None

    def is_dir(self) -> bool:
        """Whether an object is below."""
        return next(self.below(), None) is not None

    def exists(self) -> bool:
        """Whether an object has that name, or is below it."""
        return self.is_file() or self.is_dir()

    def read_bytes(self) -> bytes:
        """The content. FileNotFoundError."""
        with asking(self):
            return bytes(api().get(self.address.client(), self.key).bytes())

    def parts(self) -> Iterator[bytes]:
        """The content in parts, of one version. FileNotFoundError."""
        with asking(self):
            for part in api().get(self.address.client(), self.key).stream():
                yield bytes(part)

    def read_text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The content as text."""
        return self.read_bytes().decode(encoding, errors)

    def unlink(self, missing_ok: bool = False) -> None:
        """Delete the object. FileNotFoundError unless `missing_ok`; stores do not tell it."""
        if not missing_ok and not self.is_file():
            raise FileNotFoundError(2, "no such object", str(self))
        delete([self])

    def below(self) -> Iterator[tuple["StorePath", ObjectFacts]]:
        """Every object below, with its facts, in the order of keys. A request for 1,000."""
        with asking(self):
            for batch in api().list(self.address.client(), self.key or None):
                for meta in batch:
                    yield StorePath(self.address, meta["path"]), ObjectFacts.of(meta)

    def children(self) -> tuple[list["StorePath"], dict["StorePath", ObjectFacts]]:
        """The folders and the objects right below, sorted. A request for 1,000."""
        with asking(self):
            listed = api().list_with_delimiter(self.address.client(), self.key or None)
        folders = [StorePath(self.address, name) for name in sorted(listed["common_prefixes"])]
        objects = {
            StorePath(self.address, meta["path"]): ObjectFacts.of(meta)
            for meta in sorted(listed["objects"], key=lambda meta: meta["path"])
        }
        return folders, objects

    def iterdir(self) -> Iterator["StorePath"]:
        """The folders and objects right below."""
        folders, objects = self.children()
        yield from folders
        yield from objects

    def glob(self, pattern: str) -> Iterator["StorePath"]:
        """The objects and folders below that match; `*` within a part, no `**`.

        Parts without `*` cost no listing of their own.
        """
        first, _, rest = pattern.partition("/")
        if not re.search(r"[*?\[]", first):
            there = [self / first]
            if not rest:
                there = [path for path in there if path.exists()]
        else:
            there = [path for path in self.iterdir() if fnmatch.fnmatchcase(path.name, first)]
        for path in there:
            if rest:
                yield from path.glob(rest)
            else:
                yield path


def delete(paths: list[StorePath]) -> None:
    """Delete objects of one store; those that are missing do not matter. A request for 1,000."""
    if paths:
        with asking(paths[0].parent):
            api().delete(paths[0].address.client(), [path.key for path in paths])


def remove_tree(path: StorePath) -> None:
    """Delete every object below."""
    delete([each for each, _ in path.below()])


def require_store(root: "LakePath") -> None:
    """Ask the store of a lake for its folders; a lake in a folder is asked nothing.

    Raises:
        AddressError: obstore is missing, or the endpoint is not an address.
        StoreError: the bucket is missing, the key refused, or there is no answer for some seconds.
    """
    if isinstance(root, StorePath):
        with asking(root):
            api().list_with_delimiter(root.address.client(SHORT_SECONDS))


@lru_cache(maxsize=16)
def require_bucket(address: StoreAddress, endpoint: str | None) -> None:  # noqa: ARG001
    """StoreError where that server has no such bucket: an answer to HEAD has no body to tell it.

    One request a process: what it has found is not asked again.
    """
    with asking(StorePath(address)):
        api().list_with_delimiter(address.client())


# Where a lake and what is in it lies: a folder of this machine, or a store.
LakePath: TypeAlias = Path | StorePath


def uri(path: LakePath) -> str:
    """The path as a URI, with "=" as it is: day=2026-11-20 stays readable."""
    if isinstance(path, StorePath):
        return str(path)
    return f"file://{quote(str(path.absolute()), safe='/=')}"


def location(text: str | Path) -> LakePath:
    """The root of a lake: an `s3://` address, or a folder.

    Raises:
        AddressError: the address is invalid.
    """
    if isinstance(text, str) and is_address(text):
        return StorePath(StoreAddress.parse(text))
    return Path(text).expanduser().resolve()
