"""Kaggle's own tables of its datasets (Meta Kaggle), joined to texts with labels.

A dataset's text is its current version's: title, and subtitle and description as its body. Its
labels are `Tags.Name`, which is what Kaggle's pages and its API show. `Tags.Slug` and
`Tags.FullPath` say the same in other words: an address, and where in the tree of tags a tag hangs,
which moves.

Everything is held in memory by id, except the versions with their texts: they pass by once, row by
row.
"""

import hashlib
import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from sys import intern
from typing import NamedTuple
from urllib.parse import quote

import polars as pl

from hf_assets.corpora.corpus import joined
from hf_assets.corpora.kaggle.client import SITE, KaggleError
from hf_assets.corpora.kaggle.meta_kaggle_rows import HANDLE, MetaTable
from hf_assets.corpora.schemas import texts_frame
from hf_assets.errors import clean
from hf_assets.storage.durable import replacing
from hf_assets.storage.lake import TableWrite

# The columns that are read; there are others.
TABLES: dict[str, tuple[str, ...]] = {
    "Datasets.csv": ("Id", "CurrentDatasetVersionId", "CreationDate"),
    "DatasetVersions.csv": ("Id", "DatasetId", "Title", "Subtitle", "Description", "LicenseName"),
    "DatasetTags.csv": ("DatasetId", "TagId"),
    "Tags.csv": ("Id", "Name"),
}
# Read where they are there, for authors and links: who owns a dataset is part of its address.
OWNERS: dict[str, tuple[str, ...]] = {
    "Users.csv": ("Id", "UserName", "DisplayName"),
    "Organizations.csv": ("Id", "Slug", "Name"),
}
LOG_EVERY_VERSIONS = 2_000_000
BATCH = 5000

Tell = Callable[[str], None]


class _Dataset(NamedTuple):
    id: str
    created: datetime | None
    type: str
    owner: tuple[str, str]  # the file of OWNERS and the id there


class _Owner(NamedTuple):
    name: str
    slug: str
    link: str


def read_tables(folder: Path, log: Tell = lambda _: None) -> TableWrite:
    """The datasets of the tables in `folder`, in the order of their versions.

    The notes count every row that was read: kept ("datasets"), left out ("dropped: …" with the file
    and the reason), or of an earlier version. `license` is the one the owner chose for the dataset;
    `link`, `author` and `author_link` are null unless Users.csv (and Organizations.csv) are there.

    Raises:
        KaggleError: a file is missing, or is not what its name says; when the frames are read, too.
    """
    for name in TABLES:
        try:
            (folder / name).open("rb").close()
        except FileNotFoundError:
            raise KaggleError(
                f"{folder} has no {name}. Put {', '.join(TABLES)} of "
                f"https://www.kaggle.com/datasets/{HANDLE} there, or let `fetch` download them.",
                permanent=True,
            ) from None
        except OSError as error:
            why = clean(error.strerror or error)
            raise KaggleError(
                f"{clean(folder / name)} cannot be read ({why}).", permanent=True
            ) from None
    made = TableWrite(frames=(), notes=Counter(), provenance={"dataset_dump": {"dataset": HANDLE}})
    made.frames = _frames(folder, made, log)
    return made


def _frames(folder: Path, made: TableWrite, log: Tell) -> Iterator[pl.DataFrame]:
    notes: Counter[str] = made.notes  # ty: ignore[invalid-assignment]
    present = [name for name in (*TABLES, *OWNERS) if (folder / name).is_file()]
    made.provenance["dataset_dump"]["files"] = {name: _facts(folder / name) for name in present}

    def table(name: str, *more: str) -> MetaTable:
        return MetaTable(folder / name, (TABLES | OWNERS)[name], more, notes, log)

    current, known = _current(table("Datasets.csv", "OwnerUserId", "OwnerOrganizationId", "Type"))
    labels = _labels(table("DatasetTags.csv"), table("Tags.csv"), known)
    wanted = {dataset.owner for dataset in current.values()}
    owners: dict[tuple[str, str], _Owner] = {}
    for name in set(present) & set(OWNERS):
        owners |= _owners(table(name), wanted)
    log(f"{len(known)} datasets, {len(labels)} with tags; now their current versions")

    versions = table("DatasetVersions.csv", "Slug")
    batch = []
    for version, dataset_id, title, subtitle, body, license_name, slug in versions.rows():
        dataset = current.pop(version, None)
        if dataset is None:
            notes["versions that are not current"] += 1
            if notes["versions that are not current"] % LOG_EVERY_VERSIONS == 0:
                log(f"{notes['datasets']} datasets, {len(current)} versions still to be found")
            continue
        if dataset.id != dataset_id:
            what = f"current version of {dataset.id}, but of dataset {dataset_id[:20]!r}"
            versions.odd(what, "version of another dataset")
            continue
        notes["datasets"] += 1
        notes[f"of type {dataset.type}"] += 1
        owner = owners.get(dataset.owner)
        batch.append(
            {
                "id": f"kaggle:{dataset.id}",
                "title": title.strip() or None,
                "body": joined((subtitle, body)) or None,
                "labels": labels.get(dataset.id, []),
                "link": f"{SITE}/datasets/{owner.slug}/{quote(slug, safe='')}"
                if owner and slug
                else None,
                "author": owner.name if owner else None,
                "author_link": owner.link if owner else None,
                "license": license_name or None,
                "created_at": dataset.created,
            }
        )
        if len(batch) == BATCH:
            yield texts_frame(batch)
            batch.clear()
    if batch:
        yield texts_frame(batch)
    if current:
        notes["dropped: current version not in DatasetVersions.csv"] += len(current)
    log(f"{notes['datasets']} datasets of {len(known)} have a text")


def _current(table: MetaTable) -> tuple[dict[str, _Dataset], set[str]]:
    """Datasets by their current version's id, and the ids of all."""
    found: dict[str, _Dataset] = {}
    known: set[str] = set()
    for dataset_id, version, created, user, organization, kind in table.rows():
        if not (_is_id(dataset_id) and (not version or _is_id(version))):
            table.odd("no number where an id should be")
        elif dataset_id in known:
            table.odd("dataset a second time")
        else:
            known.add(dataset_id)
            if not version:
                table.notes["dropped: no current version"] += 1
            elif version in found:
                table.odd("current version of another dataset, too")
            else:
                owner = ("Organizations.csv", organization) if organization else ("Users.csv", user)
                kind = kind if kind.isascii() and kind.isdigit() and len(kind) < 4 else "unknown"
                when = table.moment(created)
                found[version] = _Dataset(dataset_id, when, intern(kind), owner)
    return found, known


def _labels(pairs: MetaTable, tags: MetaTable, known: set[str]) -> dict[str, list[str]]:
    """The names of each dataset's tags, in the order of the file, each once."""
    names: dict[str, str] = {}
    for tag, name in tags.rows():
        if not (_is_id(tag) and name.strip()) or tag in names:
            tags.odd("tag without a name, or a second time")
        else:
            names[tag] = name.strip()
    if len(set(names.values())) < len(names):
        tags.notes["tags that share their name with another"] = len(names) - len({*names.values()})
    labels: dict[str, list[str]] = {}
    for dataset_id, tag in pairs.rows():
        if dataset_id not in known:
            pairs.notes["tags of no dataset in Datasets.csv"] += 1
        elif tag not in names:
            pairs.notes["tags that are not in Tags.csv"] += 1
        elif names[tag] not in (given := labels.setdefault(dataset_id, [])):
            given.append(names[tag])
    return labels


def _owners(table: MetaTable, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], _Owner]:
    """The owners that are wanted, by file and id; users have their page at the root."""
    below = "" if table.name == "Users.csv" else "organizations/"
    found = {}
    for owner_id, slug, name in table.rows():
        if slug and (table.name, owner_id) in wanted:
            page = quote(slug, safe="")
            link = f"{SITE}/{below}{page}"
            found[table.name, owner_id] = _Owner(name.strip() or slug, page, link)
    return found


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _facts(path: Path) -> dict[str, str | int]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return {"bytes": path.stat().st_size, "sha256": digest, "modified": f"{changed:%Y-%m-%d %H:%M}"}


def fetch(folder: Path, log: Tell = lambda _: None, *, owners: bool = False) -> None:
    """Download the tables into `folder` with kagglehub, all of one version of Meta Kaggle.

    kagglehub keeps them in its cache, where a download that was broken off goes on; a table in
    `folder` is complete or missing. Needs no account as far as is known; credentials are used where
    there are any.

    Args:
        folder: is made; tables that lie there are replaced.
        log: takes lines for the run log.
        owners: the tables of users and organizations too, which are larger than all others.

    Raises:
        KaggleError: a download failed.
    """
    import kagglehub
    from kagglehub.exceptions import DataCorruptionError
    from requests import RequestException

    # It writes to standard output.
    logging.getLogger("kagglehub").setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    handle, cached = HANDLE, {}
    for name in (*TABLES, *(OWNERS if owners else ())):
        log(f"downloading {name} of {handle}")
        try:
            cached[name] = Path(kagglehub.dataset_download(handle, path=name))
        except (RequestException, DataCorruptionError, OSError, ValueError) as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            raise KaggleError(
                f"{name} of {handle} could not be downloaded: {clean(error)}."
                f" Run again to go on, or download it from https://www.kaggle.com/datasets/"
                f"{HANDLE} into {folder}.",
                permanent=status in (401, 403, 404),
            ) from None
        # .../versions/<number>/<name>: the next one is taken from the same version.
        if cached[name].parent.name.isdigit():
            handle = f"{HANDLE}/versions/{cached[name].parent.name}"
    for name, path in cached.items():
        # Moved, not copied: a version of the cache that nobody asks for again is 1 GB.
        with replacing(folder / name) as temporary:
            shutil.move(path, temporary)
