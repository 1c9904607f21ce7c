"""Pages of one query rendered beforehand, so that a benchmark measures the client, not the Hub."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from hf_assets.demo.hub import cursors
from hf_assets.demo.hub.queries import ListingQuery
from hf_assets.demo.service.wire import compressed
from hf_assets.demo.world.source import HubSource, Kind, Listing, Where

_LIMIT = 1000
_SORT = "createdAt"


class _Manifest(msgspec.Struct, frozen=True):
    kind: Kind
    fields: list[str]
    total: int
    cursors: list[str]  # the one that leads to page 2, to page 3 …


@dataclass(frozen=True)
class ReadyPage:
    """A page as it goes out: its number from 1, rows in the listing, gzip'd JSON, next cursor."""

    number: int
    total: int
    gzipped: bytes
    next_cursor: str | None


def prerender(source: HubSource, folder: Path, kind: Kind, expand: list[str]) -> int:
    """Writes every page of `sort=createdAt&limit=1000` with these properties.

    Args:
        source: where the rows come from.
        folder: gets `<kind>/00001.json.gz` … and `<kind>/manifest.json`, written last.
        kind: models, spaces or datasets.
        expand: the properties, as a client asks for them.

    Returns:
        The number of pages.
    """
    fields = frozenset(("_id", "id", "trendingScore", *expand))
    target = Path(folder) / kind
    target.mkdir(parents=True, exist_ok=True)
    (target / "manifest.json").unlink(missing_ok=True)
    listing = source.listing(kind, _SORT, Where())
    chain: list[str] = []
    number = 0
    for number, position in enumerate(range(0, max(listing.total, 1), _LIMIT), start=1):
        rows, last = listing.page(position, _LIMIT, fields)
        body = compressed(b"[" + b",".join(rows) + b"]")
        (target / f"{number:05d}.json.gz").write_bytes(body)
        if last is not None and position + _LIMIT < listing.total:
            chain.append(cursors.encode(_SORT, last))
    manifest = _Manifest(kind, sorted(fields), listing.total, chain)
    partial = target / "manifest.partial"
    partial.write_bytes(msgspec.json.encode(manifest))
    os.replace(partial, target / "manifest.json")
    return number


class PrerenderedHub:
    """A Hub that serves the pages `prerender` wrote, and all else from the source behind it.

    Args:
        folder: where `prerender` wrote.
        source: answers other queries and single rows; its rows should be the rendered ones.

    Raises:
        FileNotFoundError: nothing was rendered into `folder`.
    """

    def __init__(self, folder: Path, source: HubSource) -> None:
        self._folder, self._source = Path(folder), source
        self._manifests: dict[Kind, tuple[_Manifest, dict[str, int]]] = {}
        for path in sorted(self._folder.glob("*/manifest.json")):
            manifest = msgspec.json.decode(path.read_bytes(), type=_Manifest)
            numbers = {cursor: at for at, cursor in enumerate(manifest.cursors, start=2)}
            self._manifests[manifest.kind] = (manifest, numbers)
        if not self._manifests:
            raise FileNotFoundError(f"no rendered pages in {folder}")

    def ready(self, query: ListingQuery) -> ReadyPage | None:
        """The page, if this very query was rendered."""
        if query.kind not in self._manifests:
            return None
        manifest, numbers = self._manifests[query.kind]
        same = (
            query.sort == _SORT
            and query.limit == _LIMIT
            and query.where == Where()
            and query.fields == frozenset(manifest.fields)
        )
        number = 1 if query.cursor is None else numbers.get(query.cursor)
        if not same or number is None:
            return None
        body = (self._folder / query.kind / f"{number:05d}.json.gz").read_bytes()
        chain = manifest.cursors
        return ReadyPage(
            number, manifest.total, body, chain[number - 1] if number <= len(chain) else None
        )

    def total(self, kind: Kind) -> int:
        """Number of rows rendered, or there, of that kind."""
        if kind in self._manifests:
            return self._manifests[kind][0].total
        return self._source.total(kind)

    def listing(self, kind: Kind, sort: str, where: Where) -> Listing:
        """A listing that was not rendered."""
        return self._source.listing(kind, sort, where)

    def row(self, kind: Kind, repo_id: str, fields: frozenset[str]) -> bytes | None:
        """One row."""
        return self._source.row(kind, repo_id, fields)
