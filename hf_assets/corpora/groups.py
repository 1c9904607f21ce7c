"""Which texts say the same, and on which side of train, validation and test they lie.

What belongs here: duplicate groups, sides, and texts that stand for no text. What does not: how
two texts are compared (`text.py`), or what labels they have.

A side hangs on the group's id alone, which is the id of the row that founded it, and a text that
was placed once keeps its place; hence no row changes side while a corpus grows, whatever arrives,
goes and comes back in whatever order. A newcomer like texts of two sides can be put on neither, and
is left out: two groups that it would make one stay two, each on its side, and neither has it.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import NamedTuple

from hf_assets.corpora.near_duplicates import NearTexts
from hf_assets.corpora.schemas import SPLITS, SplitName

# Where validation and test begin, in hundredths: 80 / 10 / 10.
_VALIDATION, _TEST = 80, 90
# A text in this many rows, and in this share of all, was put there by a form, not by an author: an
# earlier project learnt from "Add a plot in your language" in 14.7 % of its rows.
PLACEHOLDER_ROWS = 5
PLACEHOLDER_SHARE = 0.001


class Place(NamedTuple):
    """Where a row lies: the id of its duplicate group, and its side."""

    group: str
    split: SplitName


class Text(NamedTuple):
    """A row to be placed; `published` is the side it was published on, or None."""

    id: str
    text: str
    published: SplitName | None = None


@dataclass(frozen=True)
class Placed:
    """A place for each text, None for one like texts of two sides; in the texts' order.

    `straddling` counts published rows like an earlier one of another side; they stay there.
    """

    places: list[Place | None]
    straddling: int


def side(group: str) -> SplitName:
    """The side of a group: 80 / 10 / 10 by a hash of its id, the same on every machine."""
    digest = hashlib.blake2b(group.encode(), digest_size=8, person=b"hf_assets split").digest()
    at = int.from_bytes(digest, "big") * 100 >> 64
    return "train" if at < _VALIDATION else "validation" if at < _TEST else "test"


def place(
    texts: Sequence[Text], known: Mapping[str, Place], away: Mapping[str, Place] | None = None
) -> Placed:
    """Give every text its group and side.

    Known rows come first, then those that come back, then the others as they are given: a new row
    joins the group of the earliest text like it, or founds one under its own id.

    Args:
        texts: oldest first. A side that none was published on, though others were, is carved out
            of what was published as train, by the same hash.
        known: where rows lie since the last time, by their id; they stay there.
        away: where rows lay that were not there the last time; they lie there again, or, where a
            text like them has come to lie on another side meanwhile, nowhere.
    """
    away = away or {}
    published = {text.published for text in texts if text.published}
    carved = set(SPLITS) - published if published else set()
    ground = _Ground(texts)
    places: list[Place | None] = [None] * len(texts)
    straddling = 0

    def turn(at: int) -> int:
        return 0 if texts[at].id in known else 1 if texts[at].id in away else 2

    for at in sorted(range(len(texts)), key=turn):
        text = texts[at]
        allowed = _allowed(text.published, carved)
        number, like = ground.look(text.text)
        stays = known.get(text.id) or away.get(text.id)
        if stays and stays.split not in allowed:
            stays = None
        sides = {*like, stays.split} if stays else {*like}
        if len(sides) > 1 and not text.published:
            continue
        joins = next((there for name, there in like.items() if name in allowed), None)
        found = stays or joins or _founded(text, allowed)
        straddling += bool(sides - {found.split})
        places[at] = ground.take(number, found)
    return Placed(places, straddling)


def _allowed(published: SplitName | None, carved: Set[SplitName]) -> Set[SplitName]:
    """The sides a row may lie on."""
    if published is None:
        return set(SPLITS)
    return {"train", *carved} if published == "train" else {published}


def _founded(text: Text, allowed: Set[SplitName]) -> Place:
    own = side(text.id)
    return Place(text.id, own if own in allowed else text.published or own)


class _Ground:
    """What is placed so far, by distinct text: the earliest place on each side."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self._near = NearTexts(text.text for text in texts)
        self._places: defaultdict[int, dict[SplitName, Place]] = defaultdict(dict)
        self._groups: dict[str, SplitName] = {}

    def look(self, text: str) -> tuple[int, dict[SplitName, Place]]:
        """The text's number, and the first place on each side that has (nearly) this text."""
        number, candidates = self._near.put(text)
        found: dict[SplitName, Place] = {}
        for other in candidates:
            more = {name: at for name, at in self._places[other].items() if name not in found}
            if more and self._near.near(number, other):
                found |= more
        return number, found

    def take(self, number: int, place: Place) -> Place:
        """A row with that text lies there; the place, with a group that has no other side."""
        if self._groups.setdefault(place.group, place.split) != place.split:
            # The row that the group is named after was published since, on another side.
            place = Place(f"{place.group} ({place.split})", place.split)
        self._places[number].setdefault(place.split, place)
        return place


def placeholders(texts: Iterable[tuple[bytes, Sequence[str]]], rows: int) -> set[bytes]:
    """Which texts stand for no text: many rows have them, and not all with the same labels.

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
