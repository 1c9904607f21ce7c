"""The texts that came since a corpus was built, by week: days of texts, or the Hub's models."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from hf_assets.classifiers.drift.measures import spaced
from hf_assets.classifiers.drift.table import Unseen, monday
from hf_assets.corpora.building import cleaned_texts
from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.growth import recorded_builds, unseen_ids, unseen_tables, version_of
from hf_assets.corpora.hub.drawing import MOST_OF_AUTHOR, MOST_TEXTS, author_of
from hf_assets.corpora.hub.wording import READ, Wording
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.storage.lake import StoredTable, TableWrite, today

# Models of a week that are compared, evenly spaced among all.
MOST_MODELS = 2_000
_WEEK = timedelta(days=7)


def source_name(asset: str, stored: StoredTable) -> str:
    """How a row of the drift table names a day behind it."""
    return f"{asset} {stored.day} {version_of(stored)}".replace("  ", " ")


def weeks_of_texts(
    spec: CorpusSpec, corpus: Corpus, sources: Mapping[str, Sequence[StoredTable]]
) -> list[Unseen]:
    """The weeks with days that the corpus has not taken, oldest first.

    A day's texts are of that day; those of a dump are of the day on which they were written, and
    of the dump's newest week where nobody knows when that was: the corpus' age counts them, too.
    """
    which = unseen_ids(corpus, corpus.facts.site)
    parts: dict[date, list[tuple[str, pl.LazyFrame]]] = {}
    for asset, stored in unseen_tables(corpus, sources):
        name, rows = source_name(asset, stored), stored.frame.filter(which)
        if stored.day:
            parts.setdefault(monday(date.fromisoformat(stored.day)), []).append((name, rows))
            continue
        written = pl.col("created_at").dt.date()
        newest = stored.frame.select(written.max()).collect().item() or _built(corpus)
        begun = written.fill_null(newest).dt.truncate("1w")
        for week in rows.select(begun.unique()).collect().to_series():
            parts.setdefault(week, []).append((name, rows.filter(begun == week)))

    def texts(rows: Sequence[pl.LazyFrame]) -> pl.DataFrame:
        frames = pl.concat([one.collect() for one in rows]).unique("id", keep="last")
        cleaned = cleaned_texts(spec, [TableWrite([frames.sort("id")])], Counter(), lambda _: None)
        found = pl.concat([one.select("text", "labels") for one in cleaned])
        return found.filter((pl.col("text") != "") & (pl.col("labels").list.len() > 0))

    return [
        Unseen(
            week,
            lambda rows=tuple(rows for _, rows in found): texts(rows),
            tuple(sorted(name for name, _ in found)),
        )
        for week, found in sorted(parts.items())
    ]


def _built(corpus: Corpus) -> date:
    """The day of its last build; today of one of an earlier version, which recorded none."""
    builds = recorded_builds(corpus)
    return date.fromisoformat(builds[-1].day if builds and builds[-1].day else today())


class WholeDays:
    """Days of a table that have all their rows; a day's footer is read when it is asked for.

    Args:
        days: keys, in any order.
        read: the table of a day; None where the day was thinned.
    """

    def __init__(self, days: Iterable[str], read: Callable[[str], StoredTable | None]) -> None:
        self._days, self._read = sorted(days), read
        self._known: dict[str, StoredTable | None] = {}

    def since(self, day: str) -> StoredTable | None:
        """The first from that day on, or None."""
        return self._first(self._days[bisect_left(self._days, day) :])

    def newest(self) -> StoredTable | None:
        """The last of them, or None."""
        return self._first(reversed(self._days))

    def _first(self, days: Iterable[str]) -> StoredTable | None:
        return next((stored for stored in map(self._stored, days) if stored), None)

    def _stored(self, day: str) -> StoredTable | None:
        if day not in self._known:
            self._known[day] = self._read(day)
        return self._known[day]


def weeks_of_models(corpus: Corpus, days: WholeDays) -> list[Unseen]:
    """The weeks since the day of the corpus, of models with a category that were created then.

    A week is read from the first day after its end, or from the newest: once it is over, its row
    stays as it is. So the footers of one day a week are read, and of thinned days before it.

    Args:
        corpus: of the Hub's models.
        days: of `models` after that day, trusted.
    """
    origin, newest = hub_origin(corpus), days.newest()
    if origin is None or newest is None:
        return []
    built, categories = origin
    wording = Wording(categories)

    def texts(stored: StoredTable, first: date, last: date) -> pl.DataFrame:
        created = pl.col("created_at").dt.date()
        rows = _of_authors(stored, (created >= first) & (created < last), *READ)
        rows = rows.select(pl.all().gather(spaced(range(rows.height), MOST_MODELS)))
        return rows.select(text=wording.texts(rows), labels=pl.concat_list("category"))

    found, week = [], monday(built)
    while week <= date.fromisoformat(newest.day):
        end = week + _WEEK
        stored = days.since(f"{end}") or newest
        first = max(week, built + timedelta(days=1))
        found.append(
            Unseen(
                week,
                lambda stored=stored, first=first, end=end: texts(stored, first, end),
                (source_name("models", stored),),
            )
        )
        week = end
    return found


def hub_origin(corpus: Corpus) -> tuple[date, list[str]] | None:
    """The day whose models a corpus is drawn from, and the categories of that day."""
    facts = next(iter(corpus.facts.sources.get("models", [])), {})
    if not facts.get("day"):
        return None
    return date.fromisoformat(facts["day"]), list(facts.get("categories", corpus.labels))


def categories_before(stored: StoredTable, built: date) -> pl.Series:
    """Categories of the models that were there when the corpus was drawn, a list each.

    In their own proportions: a corpus has more of the rare ones.
    """
    rows = _of_authors(stored, pl.col("created_at").dt.date() <= built)
    rows = rows.select(pl.all().gather(spaced(range(rows.height), MOST_TEXTS)))
    return rows.select(labels=pl.concat_list("category"))["labels"]


def _of_authors(stored: StoredTable, which: pl.Expr, *columns: str) -> pl.DataFrame:
    """Models with a category, the newest of each author, in the order of their identity."""
    newest = pl.struct("created_at", "hub_id").rank("ordinal", descending=True).over("author")
    named = pl.col("category").is_not_null() & pl.col("hub_id").is_not_null() & which
    return (
        stored.frame.filter(named)
        .select(*columns, "hub_id", "category", "created_at", author=author_of())
        .collect(engine="streaming")
        .filter(newest <= MOST_OF_AUTHOR)
        .sort("hub_id")
    )
