"""Assigns each text its duplicate group and its split: train, validation or test.

The split depends on the group's id alone, which is the id of the row that founded it, and a text
keeps its first assignment; hence no row changes split while a corpus grows, whatever arrives, goes
and comes back in whatever order. A new text like texts of two splits fits neither and is left out:
the two groups stay apart, each in its split.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from hf_assets.corpora.near_duplicates import NearTexts
from hf_assets.corpora.schemas import SPLITS, SplitName
from hf_assets.progress import Log, TimedLog

# Where validation and test begin, in hundredths: 80 / 10 / 10.
_VALIDATION, _TEST = 80, 90
# A text in this many rows, and in this share of all, was put there by a form, not by an author: an
# earlier project learnt from "Add a plot in your language" in 14.7 % of its rows.
PLACEHOLDER_ROWS = 5
PLACEHOLDER_SHARE = 0.001


class SplitAssignment(NamedTuple):
    """The duplicate group and the split of a row."""

    group: str
    split: SplitName


class Text(NamedTuple):
    """A row to assign; `published` is the split it was published in, or None."""

    id: str
    text: str
    published: SplitName | None = None


@dataclass(frozen=True)
class SplitAssignments:
    """An assignment for each text, None for one like texts of two splits; in the texts' order.

    `straddling` counts published rows like an earlier one of another split; they stay there.
    """

    assignments: list[SplitAssignment | None]
    straddling: int


def split_of(group: str) -> SplitName:
    """The split of a group: 80 / 10 / 10 by a hash of its id, the same on every machine."""
    digest = hashlib.blake2b(group.encode(), digest_size=8, person=b"hf_assets split").digest()
    at = int.from_bytes(digest, "big") * 100 >> 64
    return "train" if at < _VALIDATION else "validation" if at < _TEST else "test"


def assign_splits(
    texts: Sequence[Text],
    current: Mapping[str, SplitAssignment],
    away: Mapping[str, SplitAssignment] | None = None,
    log: Log = lambda _: None,
) -> SplitAssignments:
    """Give every text its group and split.

    Rows of the last corpus come first, then those that come back, then the others in their order: a
    new row joins the group of the earliest text like it, or founds a group under its own id.

    Args:
        texts: oldest first. A split that no row was published in, though others were, is carved
            out of the rows published as train, by the same hash.
        current: assignments of rows of the last corpus, by id; they keep them.
        away: assignments of rows that an earlier corpus had and the last one had not; they get them
            again, or None where a text like them has got another split meanwhile.
        log: takes a line now and then.
    """
    away = away or {}
    published = {text.published for text in texts if text.published}
    carved = set(SPLITS) - published if published else set()
    assigned = _Assigned(texts, log)
    assignments: list[SplitAssignment | None] = [None] * len(texts)
    straddling, progress = 0, TimedLog(log, len(texts))

    def order(at: int) -> int:
        return 0 if texts[at].id in current else 1 if texts[at].id in away else 2

    for count, at in enumerate(sorted(range(len(texts)), key=order)):
        progress.at(count, "splits assigned, near duplicates to one split")
        text = texts[at]
        allowed = _allowed(text.published, carved)
        number, like = assigned.look(text.text)
        stays = current.get(text.id) or away.get(text.id)
        if stays and stays.split not in allowed:
            stays = None
        splits = {*like, stays.split} if stays else {*like}
        if len(splits) > 1 and not text.published:
            continue
        joins = next((each for name, each in like.items() if name in allowed), None)
        assignment = stays or joins or _new_group(text, allowed)
        straddling += bool(splits - {assignment.split})
        assignments[at] = assigned.take(number, assignment)
    return SplitAssignments(assignments, straddling)


def _allowed(published: SplitName | None, carved: Set[SplitName]) -> Set[SplitName]:
    """The splits that a row may have."""
    if published is None:
        return set(SPLITS)
    return {"train", *carved} if published == "train" else {published}


def _new_group(text: Text, allowed: Set[SplitName]) -> SplitAssignment:
    own = split_of(text.id)
    return SplitAssignment(text.id, own if own in allowed else text.published or own)


class _Assigned:
    """The assignments so far, by distinct text: the earliest in each split."""

    def __init__(self, texts: Sequence[Text], log: Log) -> None:
        self._near = NearTexts((text.text for text in texts), log)
        self._by_text: defaultdict[int, dict[SplitName, SplitAssignment]] = defaultdict(dict)
        self._groups: dict[str, SplitName] = {}

    def look(self, text: str) -> tuple[int, dict[SplitName, SplitAssignment]]:
        """The text's number, and the first assignment in each split of a (near) duplicate."""
        number, candidates = self._near.put(text)
        like: dict[SplitName, SplitAssignment] = {}
        for other in candidates:
            more = {name: at for name, at in self._by_text[other].items() if name not in like}
            if more and self._near.near(number, other):
                like |= more
        return number, like

    def take(self, number: int, assignment: SplitAssignment) -> SplitAssignment:
        """Record the assignment of a row with that text; its group has one split only."""
        group, split = assignment
        if self._groups.setdefault(group, split) != split:
            # The row that the group is named after was published since, in another split.
            assignment = SplitAssignment(f"{group} ({split})", split)
        self._by_text[number].setdefault(split, assignment)
        return assignment


def placeholders(texts: Iterable[tuple[bytes, Sequence[str]]], rows: int) -> set[bytes]:
    """Placeholder texts: many rows have them, and not all with the same labels.

    Args:
        texts: `text_key` of each row's own text, and its labels.
        rows: how many rows there are.
    """
    counts: Counter[bytes] = Counter()
    given: defaultdict[bytes, set[tuple[str, ...]]] = defaultdict(set)
    for key, labels in texts:
        counts[key] += 1
        given[key].add(tuple(sorted(labels)))
    least = max(PLACEHOLDER_ROWS, PLACEHOLDER_SHARE * rows)
    return {key for key, count in counts.items() if count >= least and len(given[key]) > 1}
