"""The newest datasets of Kaggle, from the list that its own package `kaggle` requests.

The list shows current datasets, newest first, without a date of creation: only of a last change. So
"new on a day" means: listed on that day, and neither in the dump nor stored on an earlier day. Only
the day itself can be requested.

Behind the first 10 000 datasets lies a wall: pages are empty there, with status 200, though the
list goes on for hundreds of thousands. An empty page is therefore never taken for its end.
"""

from collections import Counter
from collections.abc import Iterator, Set
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import polars as pl

from hf_assets.corpora.corpus import joined
from hf_assets.corpora.kaggle.client import PAGE_SIZE, SITE, DatasetClient, KaggleError, Page
from hf_assets.corpora.schemas import texts_frame
from hf_assets.progress import TimedLog
from hf_assets.storage.lake import TableWrite

# The last dataset that is shown, as seen with pages of 20: 500 full ones, then empty ones.
WALL = 10_000
# The list is read until so many of its datasets in a row are known: two pages, as the order is
# not to be relied on to the row.
KNOWN_IN_A_ROW = 2 * PAGE_SIZE


def new_datasets(client: DatasetClient, day: str, known: Set[str]) -> TableWrite:
    """The datasets that are seen on that day for the first time, newest first.

    The list is read until 40 in a row are known (or half of those known, if they are fewer). Where
    none is known, until 40 in a row were last changed before the day began, and those do not count
    as new. Descriptions may be missing in a list: the body is then the subtitle. `created_at` is
    the last change of a dataset that has one version only, else null.

    Args:
        client: whom to ask.
        day: YYYY-MM-DD, which must be today in UTC.
        known: ids (`kaggle:<number>`) of the dump and of the days before.

    Raises:
        KaggleError: another day than today; and when the frames are read: no credentials, Kaggle
            does not answer, the wall stands before anything known.
    """
    if day != client.today():
        raise KaggleError(
            f"Kaggle lists the datasets there are now ({client.today()} UTC), not those of {day}. "
            "Older ones are in a newer dump: materialise dataset_dump.",
            permanent=True,
        )
    provenance: dict[str, Any] = {"endpoint": client.endpoint, "day": day}
    made = TableWrite(frames=(), notes=Counter(), provenance={"new_datasets": provenance})
    made.frames = _frames(client, day, known, made)
    return made


def _frames(
    client: DatasetClient, day: str, known: Set[str], made: TableWrite
) -> Iterator[pl.DataFrame]:
    notes: Counter[str] = made.notes  # ty: ignore[invalid-assignment]
    enough = min(KNOWN_IN_A_ROW, (len(known) + 1) // 2) if known else KNOWN_IN_A_ROW
    begin = datetime.fromisoformat(day)
    seen: set[str] = set()
    in_a_row = listed = 0
    page, progress = Page([], True), TimedLog(client.log, None)
    while in_a_row < enough:
        at_wall = listed > WALL - client.page_size
        ended = not page.more and len(page.datasets) < client.page_size
        page = client.page(notes["pages"] + 1, filled=not (at_wall or ended))
        notes["pages"] += 1
        if not page.datasets and at_wall:
            raise KaggleError(
                f"Kaggle shows its {listed} newest datasets and no more, and "
                + ("too few of them are known" if known else f"all of them changed on {day}")
                + ": there is a gap before them. Put newer tables of Meta Kaggle in place, "
                "materialise dataset_dump, then run this again.",
                permanent=True,
            )
        if not page.datasets:
            notes["the list ended"] += 1
            break
        fresh = []
        for dataset in page.datasets:
            listed += 1
            row = _row(dataset)
            if row is None or row["id"] in seen:
                notes["listed twice" if row else "dropped: odd row"] += 1
                continue
            seen.add(row["id"])
            changed = dataset.last_updated
            if row["id"] in known:
                in_a_row += 1
                notes["known already"] += 1
            elif not known and isinstance(changed, datetime) and changed < begin:
                in_a_row += 1
                notes["dropped: older than the day"] += 1
            elif dataset.is_private is True:
                notes["dropped: private"] += 1
            else:
                in_a_row = 0
                notes["datasets"] += 1
                notes["without a description"] += not dataset.description
                fresh.append(row)
        if fresh:
            yield texts_frame(fresh)
        progress.at(listed, f"{listed:,} datasets listed, {notes['datasets']:,} of them new")
    client.log(f"{notes['datasets']} new datasets on {notes['pages']} pages")


def _row(dataset: Any) -> dict[str, Any] | None:
    """One dataset in the columns of texts; None where a value is not what it should be."""
    texts = [dataset.title, dataset.subtitle, dataset.description, dataset.license_name]
    texts += [dataset.owner_name, dataset.creator_name, dataset.owner_ref, dataset.url]
    texts += [tag.name or tag.ref for tag in dataset.tags]
    if type(dataset.id) is not int or dataset.id <= 0:
        return None
    if not all(text is None or isinstance(text, str) for text in texts):
        return None
    title, subtitle, body, license_name, owner, creator, page, link, *tags = map(_clean, texts)
    only_version = dataset.current_version_number == 1
    changed = dataset.last_updated
    return {
        "id": f"kaggle:{dataset.id}",
        "title": title or None,
        "body": joined((subtitle, body)) or None,
        "labels": list(dict.fromkeys(tag for tag in tags if tag)),
        "link": link if link.startswith("https://") else None,
        "author": owner or creator or None,
        # The page of an organisation lies elsewhere: one's own is known to be a user's.
        "author_link": f"{SITE}/{quote(page, safe='')}" if page and owner == creator else None,
        "license": license_name or None,
        "created_at": changed.replace(tzinfo=UTC)
        if only_version and isinstance(changed, datetime)
        else None,
    }


def _clean(text: str | None) -> str:
    # JSON can hold half a surrogate pair, which no file can.
    return (text or "").encode(errors="replace").decode().strip()
