"""Builds a corpus from texts with labels: cleans them, assigns splits, drops rare labels, stores.

Every row that comes in is in the corpus, or counted under the one reason why it is not.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import polars as pl

from hf_assets.charts.saving import render
from hf_assets.corpora.corpus import Corpus, CorpusError, joined, open_corpus
from hf_assets.corpora.facts import RULE, CorpusFacts, PublishedRows, counts, summaries
from hf_assets.corpora.figures import label_frequencies
from hf_assets.corpora.groups import SplitAssignment, Text, assign_splits, placeholders
from hf_assets.corpora.growth import record_build
from hf_assets.corpora.labels import cleaned, kept_labels, least_rows
from hf_assets.corpora.lengths import TokenCounter, token_lengths
from hf_assets.corpora.registry import CorpusSpec
from hf_assets.corpora.schemas import CORPUS_COLUMNS, SPLITS, TEXTS_COLUMNS
from hf_assets.corpora.stackexchange.sites import IDS, Site, site_of
from hf_assets.corpora.text.formats import format_of_source
from hf_assets.corpora.text.plain import plain, squeezed, text_key, words
from hf_assets.errors import InputError
from hf_assets.object_store.path import LakePath
from hf_assets.progress import TimedLog
from hf_assets.storage.folders import is_stored, read_folder
from hf_assets.storage.json_files import write_json, write_record
from hf_assets.storage.lake import StoredTable, TableWrite
from hf_assets.storage.parquet import ParquetBatches, Table

Tell = Callable[[str], None]
_Assignments = dict[str, SplitAssignment]
CORPUS = Table("corpus", CORPUS_COLUMNS, required=("id", "text", "labels", "split", "group"))
# Splits of rows that are not in the corpus now, and were once: they may come back.
AWAY = Table("places", {name: CORPUS_COLUMNS[name] for name in ("id", "group", "split")})

# Why a row is not in the corpus.
NO_ID = "no id"
OTHER_SITE = "question of another site"
OLDER = "an older copy of the same id"
NO_TEXT = "no text"
NO_LABEL = "no label"
PLACEHOLDER = "placeholder text"
STRADDLES = "duplicate across splits"
ONLY_RARE = "only rare labels"

# Of plain texts, those with a tag that ends an element: were they meant as HTML?
_WITH_TAGS = "text with tags"
_CLOSING_TAG = r"</[A-Za-z][A-Za-z0-9]*\s*>"

# Rows cleaned at a time: their bodies are in memory, some kB each.
_BATCH = 10_000


class CorpusTooSmall(InputError):
    """There are too few texts or labels to learn from and to measure on; the message says which."""


class WrongSite(InputError):
    """None of the texts is of the corpus' site; the message names their sites."""


class _Sieve:
    """Rows on their way into a corpus; `lost` counts the dropped ones by reason.

    `lost_published` counts those that came with a split, by split and reason.
    """

    def __init__(self, frame: pl.DataFrame, log: Tell, *, published: bool = True) -> None:
        if published:
            frame = frame.with_columns(published="split")
        self.frame, self.came, self.log = frame, frame.height, log
        self.lost: Counter[str] = Counter()
        self.lost_published: dict[str, dict[str, int]] = {}
        self._came_published = self._by_split(frame)

    def keep(self, which: pl.Expr | pl.Series, reason: str) -> None:
        """Keep the rows that `which` is true of."""
        which = which if isinstance(which, pl.Series) else self.frame.select(which).to_series()
        stays = which.fill_null(value=False)
        gone = self.frame.filter(~stays)
        if gone.height:
            self.lost[reason] = gone.height
            self.log(f"{gone.height:,} of {self.came:,} rows left out: {reason}")
        for split, rows in self._by_split(gone).items():
            self.lost_published.setdefault(split, {})[reason] = rows
            self.log(f"{rows:,} of them were published as {split}: {reason}")
        self.frame = self.frame.filter(stays)

    def published(self) -> dict[str, PublishedRows]:
        """Rows that came with a split, and those of them that are left out."""
        return {
            split: PublishedRows(rows, self.lost_published.get(split, {}))
            for split, rows in self._came_published.items()
        }

    def _by_split(self, frame: pl.DataFrame) -> dict[str, int]:
        if "published" not in frame.columns:
            return {}
        rows = frame["published"].drop_nulls().value_counts()
        return dict(rows.sort("published").iter_rows())


def build(
    spec: CorpusSpec,
    sources: Iterable[TableWrite | StoredTable],
    folder: Path,
    before: LakePath | None = None,
    log: Tell = lambda _: None,
    *,
    site: str | None = None,
    tokens: TokenCounter | None = None,
) -> CorpusFacts:
    """Build a corpus from texts, and return the content of facts.json.

    Args:
        spec: the corpus' entry in the registry.
        sources: tables of texts, the newest last: of two rows with one id the last is kept.
        folder: an empty folder, which becomes the corpus.
        before: folder of the last corpus, if there is one; its rows keep their splits.
        log: takes lines of the run log.
        site: whose questions of Stack Exchange are taken, where `spec` names none; None for all.
        tokens: counts the tokens of texts; without it their share beyond a length is estimated.

    Raises:
        CorpusError: the last corpus is incomplete.
        WrongSite: there are texts, and none is of the site.
        CorpusTooSmall: a split would have no rows, or fewer than two labels remain.
    """
    sources = list(sources)
    earlier, assigned, away = _earlier(before)
    empty, formats = pl.DataFrame(schema=_CLEAN), Counter[str]()
    cleaned_rows = pl.concat([empty, *cleaned_texts(spec, sources, formats, log)])
    # A model's split is its author's, and nobody published it.
    sieve = _Sieve(cleaned_rows, log, published=not spec.of_hub)
    sieve.keep(pl.col("id").fill_null("") != "", NO_ID)
    wanted = None if spec.file or spec.of_hub else spec.site or site
    if wanted:
        _of_one_site(spec, sieve, Site.of(wanted))
    _drop_empty(sieve)
    straddling = _assign(sieve, assigned, away)
    assigned = away | assigned | _assignments(sieve.frame)
    training = sieve.frame.filter(pl.col("split") == "train")["labels"]
    given = Counter(label for each in sieve.frame["labels"].to_list() for label in each)
    labels = kept_labels(training.to_list(), spec.rare_share)
    _only(sieve, labels)
    _check_size(spec, sieve, labels, len(given), least_rows(spec.rare_share, len(training)))

    frame = sieve.frame.sort("id").select(CORPUS.schema.names())
    facts = CorpusFacts(
        name=spec.name,
        **msgspec.structs.asdict(counts(frame, labels)),
        rows_in=sieve.came,
        lost=dict(sieve.lost),
        labels_given=len(given),
        labels_before=list(earlier.labels) if earlier else None,
        rare_share=spec.rare_share,
        least_rows=least_rows(spec.rare_share, len(training)),
        code=spec.code,
        texts_with_tags=formats.pop(_WITH_TAGS, 0),
        formats=dict(formats),
        site=Site.of(wanted).name if wanted else None,
        text=list(spec.text),
        published_rows_straddling=straddling,
        published=sieve.published(),
        rule=RULE,
        tokens=token_lengths(frame["text"], tokens),
        sources=summaries(sources),
    )
    with ParquetBatches(folder / "corpus.parquet", CORPUS) as writer:
        writer.write(frame)
    _write_away(folder, assigned, frame)
    write_json(folder / "labels.json", {"labels": labels})
    write_record(folder / "facts.json", facts)
    corpus = open_corpus(folder)
    rare = {label: rows for label, rows in given.items() if label not in set(labels)}
    record_build(folder, corpus, earlier, _by_asset(sources), rare)
    render(label_frequencies(corpus)).write(folder, "label_frequencies")
    kept = f"{len(labels):,} of {len(given):,} labels"
    log(f"{frame.height:,} of {sieve.came:,} rows and {kept} kept")
    return facts


def _by_asset(sources: Iterable[TableWrite | StoredTable]) -> dict[str, list[StoredTable]]:
    """The stored tables by the asset that they are of, as their provenance names it."""
    found: dict[str, list[StoredTable]] = {}
    for one in sources:
        if isinstance(one, StoredTable):
            for name in one.provenance:
                found.setdefault(name, []).append(one)
    return found


def _earlier(folder: LakePath | None) -> tuple[Corpus | None, _Assignments, _Assignments]:
    """The last corpus, the splits of its rows, and the splits of rows that have left it."""
    if folder is None or not is_stored(folder):
        return None, {}, {}

    def read(folder: Path) -> tuple[Corpus, pl.DataFrame] | None:
        if not (folder / "corpus.parquet").exists():
            return None
        corpus, path = open_corpus(folder), folder / "places.parquet"
        away = pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=AWAY.schema)
        return corpus, away

    try:
        if (stored := read_folder(folder, read)) is None:
            return None, {}, {}
        corpus, away = stored
        return corpus, _assignments(corpus.frame), _assignments(away)
    except (CorpusError, pl.exceptions.PolarsError) as error:
        hint = f"remove {folder} first; its rows may change splits then"
        raise CorpusError(f"{error}, and {hint}") from error


def _assignments(frame: pl.DataFrame) -> _Assignments:
    rows = frame.select(AWAY.schema.names()).iter_rows()
    return {name: SplitAssignment(group, split) for name, group, split in rows}


# --- steps ---------------------------------------------------------------------------------------

_CLEAN = {
    **{name: about.dtype for name, about in TEXTS_COLUMNS.items() if name not in ("title", "body")},
    "text": pl.String,
}


def cleaned_texts(
    spec: CorpusSpec, sources: list[TableWrite | StoredTable], formats: Counter[str], log: Tell
) -> Iterator[pl.DataFrame]:
    """The rows of sources with their texts as a corpus has them, batch by batch.

    `formats` counts what the texts are written in.
    """
    # A table of the user's own logs its rows itself, with its share of the file.
    stored = [source.rows for source in sources if isinstance(source, StoredTable)]
    read, progress = 0, TimedLog(log, sum(stored))
    for source in sources:
        for batch in _batches(source):
            # A title is plain text everywhere: "When to use <b>?" loses nothing.
            titles = [squeezed(title or "") for title in batch["title"]]
            forms = [spec.format if spec.file else format_of_source(name) for name in batch["id"]]
            formats.update(forms)
            if spec.file and spec.format == "text":
                formats[_WITH_TAGS] += batch.filter(
                    pl.col("body").str.contains(_CLOSING_TAG)
                ).height
            code = spec.code == "keep"
            both = zip(batch["body"], forms, strict=True)
            bodies = [plain(body, form, code=code) for body, form in both]
            pairs = zip(titles, bodies, strict=True)
            labels = [cleaned(given or ()) for given in batch["labels"].to_list()]
            yield batch.with_columns(
                pl.Series("text", [joined(pair) for pair in pairs], pl.String),
                pl.Series("labels", labels, pl.List(pl.String)),
            ).select(pl.col(name).cast(dtype) for name, dtype in _CLEAN.items())
            if isinstance(source, StoredTable):
                progress.at(read := read + batch.height, "rows read and cleaned")


def _batches(source: TableWrite | StoredTable) -> Iterable[pl.DataFrame]:
    if isinstance(source, StoredTable):
        return source.frame.collect_batches(chunk_size=_BATCH, maintain_order=True)
    return source.frames


def _of_one_site(spec: CorpusSpec, sieve: _Sieve, site: Site) -> None:
    """Drop questions of other sites: their tags mean other things."""
    ids, own = sieve.frame["id"], pl.col("id").str.starts_with(site.prefix)
    sieve.keep(own | ~pl.col("id").str.starts_with(IDS), OTHER_SITE)
    if sieve.lost[OTHER_SITE] and not sieve.frame.select(own.any()).item():
        counts = Counter(filter(None, map(site_of, ids)))
        found = ", ".join(f"{name}: {rows:,}" for name, rows in counts.most_common(5))
        raise WrongSite(
            f"{spec.name} takes questions of {site.name}, and its sources have none (but of "
            f"{found}). Set HF_ASSETS_STACKEXCHANGE_SITE, or `site` of the corpus, to the one that "
            "is wanted, or materialise question_dump or new_questions of this one."
        )


def _drop_empty(sieve: _Sieve) -> None:
    sieve.keep(pl.col("id").is_last_distinct(), OLDER)
    sieve.keep(pl.col("text") != "", NO_TEXT)
    sieve.keep(pl.col("labels").list.len() > 0, NO_LABEL)
    # Title and body: a title of its own says something of the row, whatever the body.
    keys = [text_key(words(text)) for text in sieve.frame["text"]]
    empty = placeholders(zip(keys, sieve.frame["labels"].to_list(), strict=True), len(keys))
    sieve.keep(pl.Series([key not in empty for key in keys], dtype=pl.Boolean), PLACEHOLDER)


def _assign(sieve: _Sieve, known: _Assignments, away: _Assignments) -> int:
    """Assign groups and splits; returns how many published rows are like one of another split."""
    sieve.frame = sieve.frame.sort("created_at", "id", nulls_last=True)
    rows = sieve.frame.select("id", "text", "split").iter_rows()
    assigned = assign_splits([Text(*row) for row in rows], known, away, sieve.log)
    sieve.frame = sieve.frame.with_columns(
        pl.Series("group", [each and each.group for each in assigned.assignments], pl.String),
        pl.Series("split", [each and each.split for each in assigned.assignments], pl.String),
    )
    sieve.keep(pl.col("split").is_not_null(), STRADDLES)
    return assigned.straddling


def _only(sieve: _Sieve, labels: list[str]) -> None:
    """Rows keep those labels alone, in their order."""
    kept = set(labels)
    lists = [sorted(kept & set(given)) for given in sieve.frame["labels"].to_list()]
    sieve.frame = sieve.frame.with_columns(pl.Series("labels", lists, pl.List(pl.String)))
    sieve.keep(pl.col("labels").list.len() > 0, ONLY_RARE)


def _check_size(spec: CorpusSpec, sieve: _Sieve, labels: list[str], given: int, least: int) -> None:
    rows = {side: sieve.frame.filter(pl.col("split") == side).height for side in SPLITS}
    lost = "".join(f"; {count:,} lost: {reason}" for reason, count in sieve.lost.items())
    origin = str(spec.file or ", ".join(spec.sources))
    said = (
        f"{spec.name}: of {sieve.came:,} rows of {origin} {sieve.frame.height:,} remain{lost}. "
        f"{', '.join(f'{side}: {count:,}' for side, count in rows.items())}. {len(labels):,} of "
        f"{given:,} labels remain: those of {least:,} training rows or more. "
    )
    if not sieve.came and spec.file:
        raise CorpusTooSmall(f"{spec.name}: {spec.file} has no rows; name a table that has")
    if not sieve.came:
        raise CorpusTooSmall(
            f"{spec.name}: there are no texts; materialise its sources first: "
            f"{', '.join(spec.sources)}"
        )
    if len(labels) < 2:
        raise CorpusTooSmall(said + "Two labels at least: add rows, or lower rare_share.")
    if not all(rows.values()):
        raise CorpusTooSmall(said + "Each split needs rows: add some, or name a column of splits.")


# --- files ---------------------------------------------------------------------------------------


def _write_away(folder: Path, assigned: _Assignments, frame: pl.DataFrame) -> None:
    """Write the splits of rows that are not in `frame`, if there are any."""
    kept = set(frame["id"])
    away = [(name, *each) for name, each in sorted(assigned.items()) if name not in kept]
    if away:
        with ParquetBatches(folder / "places.parquet", AWAY) as writer:
            writer.write(pl.DataFrame(away, schema=AWAY.schema, orient="row"))
