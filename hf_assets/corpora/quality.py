"""The rules that a stored corpus must pass, with their descriptions for the UI."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.facts import RULE, label_rows
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable

# So many plain texts in a hundred with tags that end an element were meant as HTML or Markdown.
_MOST_WITH_TAGS = 10

# Notes that count rows which no reader could read.
_UNREAD = re.compile(r"put aside: |dropped: (odd row|\w+\.csv)")

# Share of a source's rows that may lack a text, or that no reader could read.
_MOST_FAULTY = 0.01

# Share of texts that may be longer than what is read. Of one site's questions, micro-F1 is 63.0 on
# those of up to 128 tokens, and 56.3 on those of more than 256.
MOST_CUT = 0.25

# Labels and groups that a verdict names; it counts the others.
_NAMED = 10


def no_group_in_two_splits(corpus: Corpus) -> RuleResult:
    """Duplicate texts are in one split."""
    sides = corpus.frame.group_by("group").agg(pl.col("split").n_unique().alias("sides"))
    torn = sides.filter(pl.col("sides") > 1)["group"].sort().to_list()
    figures = {"groups": sides.height, "in two splits": len(torn)}
    if torn:
        return RuleResult(False, f"In two splits: {_named(torn)}.", figures)
    return RuleResult(True, f"{sides.height:,} groups, each in one split.", figures)


def no_author_in_two_splits(corpus: Corpus) -> RuleResult:
    """All texts of an author are in one split: authors upload near copies."""
    sides = corpus.frame.group_by("author").agg(pl.col("split").n_unique().alias("sides"))
    torn = sides.filter(pl.col("sides") > 1)["author"].sort().to_list()
    figures = {"authors": sides.height, "in two splits": len(torn)}
    if torn:
        return RuleResult(False, f"In two splits: {_named(torn)}.", figures)
    return RuleResult(True, f"{sides.height:,} authors, each in one split.", figures)


def every_label_in_train_and_test(corpus: Corpus) -> RuleResult:
    """A label without a training row cannot be learnt; one without a test row is not measured."""
    rows = {
        side: label_rows(corpus.frame.filter(pl.col("split") == side), corpus.labels)
        for side in ("train", "test")
    }
    lacking = {side: [name for name, n in counts.items() if not n] for side, counts in rows.items()}
    figures = {"labels": len(corpus.labels)} | {
        f"without a {side} row": len(names) for side, names in lacking.items()
    }
    if lacking["train"]:
        return RuleResult(False, f"No training row: {_named(lacking['train'])}.", figures)
    if lacking["test"]:
        return RuleResult(
            False, f"No test row: {_named(lacking['test'])}.", figures, severity="WARN"
        )
    return RuleResult(True, f"{len(corpus.labels):,} labels, each in train and test.", figures)


def no_empty_text(corpus: Corpus) -> RuleResult:
    """Every row has a text and a label."""
    blank = pl.col("text").fill_null("").str.strip_chars() == ""
    bare = pl.col("labels").list.len().fill_null(0) == 0
    empty, without = corpus.frame.select(blank.sum(), bare.sum().alias("bare")).row(0)
    figures = {"rows": corpus.frame.height, "empty": empty, "without label": without}
    description = f"{empty:,} empty texts, {without:,} rows without label."
    return RuleResult(not empty and not without and corpus.frame.height > 0, description, figures)


def text_format_fits(corpus: Corpus) -> RuleResult:
    """Texts that were read as plain text have no markup, or hardly any."""
    plain = corpus.facts.formats.get("text", 0)
    tags = corpus.facts.texts_with_tags
    figures = {"plain texts": plain, "with tags": tags}
    description = f"{tags:,} of {plain:,} plain texts have tags of HTML"
    if 100 * tags > _MOST_WITH_TAGS * plain:
        description += ": declare `format` in the corpus."
        return RuleResult(False, description, figures, severity="WARN")
    return RuleResult(True, f"{description}.", figures)


def texts_read_whole(corpus: Corpus, read: Mapping[str, int]) -> RuleResult:
    """Few texts are longer than what a model reads; the rest of them is not read.

    Args:
        corpus: with its facts; those of an earlier version count words alone.
        read: tokens that each trained model reads, by its name, or a training by default.
    """
    lengths = corpus.facts.tokens
    if lengths is None:
        return RuleResult(True, "Tokens were not counted: materialise the corpus again.")
    figures: dict[str, Any] = {f"read, {name}": length for name, length in read.items()}
    figures |= {"median": lengths.median, "counted by": lengths.by}
    figures |= {f"beyond {limit} tokens": share for limit, share in lengths.beyond.items()}
    about, parts, cut = "about " if lengths.estimated else "", [], False
    for length in sorted({*read.values()}):
        least, most = lengths.cut_at(length)
        share = f"{least:.0%}" if least == most else f"{least:.0%} to {most:.0%}"
        names = ", ".join(name for name, of in read.items() if of == length)
        parts.append(f"{about}{share} of the texts have more than the {length} tokens read {names}")
        cut |= least > MOST_CUT
    text = "; ".join(parts)
    if cut:
        text += ": what follows is not read. Train with a larger max_length, which takes longer"
        return RuleResult(False, f"{text}.", figures, severity="WARN")
    return RuleResult(True, f"{text}.", figures)


def published_rows_kept(corpus: Corpus) -> RuleResult:
    """No row of a published split is left out; else scores are not those of that split."""
    published = corpus.facts.published
    figures: dict[str, int] = {}
    for split, of in published.items():
        figures[f"published as {split}"] = of.rows
        figures |= {f"left out of {split}: {reason}": rows for reason, rows in of.lost.items()}
    if corpus.facts.rule < RULE:
        return RuleResult(
            True, "An earlier version did not count these rows: materialise the corpus again."
        )
    if not published:
        return RuleResult(True, "No split was published.")
    # Of training rows a model may learn fewer; of the others a score is of other rows.
    short = any(of.lost for split, of in published.items() if split != "train")
    text = corpus.facts.left_out_of_published or "Every row of the published splits is here."
    if short:
        text += " Scores here are not those of the complete split."
    return RuleResult(not short, text, figures, severity="WARN")


def label_order_unchanged(corpus: Corpus, before: Sequence[str] | None) -> RuleResult:
    """The order of labels is that of the alphabet, hence only a change of the set changes it.

    Args:
        corpus: the one that is there now.
        before: the labels of the one before it; None where there was none.
    """
    labels = list(corpus.labels)
    if labels != sorted(labels):
        return RuleResult(
            False, "The labels are not in alphabetical order.", {"labels": len(labels)}
        )
    if before is None:
        return RuleResult(True, "No earlier corpus to compare with.", {"labels": len(labels)})
    new, gone = sorted({*labels} - {*before}), sorted({*before} - {*labels})
    figures = {"labels": len(labels), "new": len(new), "gone": len(gone)}
    stayed = [label for label in labels if label in {*before}]
    if stayed != [label for label in before if label in {*labels}]:
        return RuleResult(
            False, "The labels that stayed are in another order than before.", figures
        )
    if not new and not gone:
        return RuleResult(True, f"{len(labels):,} labels, as before.", figures)
    said = f"{f'New: {_named(new)}. ' if new else ''}{f'Gone: {_named(gone)}.' if gone else ''}"
    return RuleResult(True, said.strip(), figures)


def texts_usable(stored: StoredTable, labelled: float) -> RuleResult:
    """Texts of a source are unique, have words, and as many have labels as are usual there.

    An API that stops sending bodies or tags, or a dump of another shape, gives rows without them.

    Args:
        stored: a table of texts; a day of it may have none.
        labelled: lowest share of rows with a label.
    """
    texts = pl.concat_str(pl.col("title", "body").fill_null("")).str.strip_chars()
    ids, empty, with_label = (
        stored.frame.select(
            pl.col("id").n_unique(),
            empty=(texts == "").sum(),
            with_label=(pl.col("labels").list.len() > 0).sum(),
        )
        .collect()
        .row(0)
    )
    rows = stored.rows
    unread = sum(
        count for name, count in stored.notes.items()
        if _UNREAD.match(name) and isinstance(count, int)
    )  # fmt: skip
    figures = {"rows": rows, "empty": empty, "with label": with_label, "unreadable": unread}
    if not rows and not stored.day:
        return RuleResult(False, "No text: is it the right file?", figures)
    faults = {
        f"{rows - ids:,} rows are duplicates": rows > ids,
        f"{empty:,} of {rows:,} texts are empty": empty > _MOST_FAULTY * rows,
        f"only {with_label:,} of {rows:,} texts have a label": with_label < labelled * rows,
        f"{unread:,} rows cannot be read": unread > _MOST_FAULTY * (rows + unread),
    }
    text = "; ".join(fault for fault, there in faults.items() if there)
    good = f"{rows:,} texts, {with_label:,} with a label"
    return RuleResult(not text, f"{text or good}.", figures, severity="WARN")


def day_complete(stored: StoredTable, source: str, today: str) -> RuleResult:
    """The day was over when its texts were fetched, or is not over yet.

    Args:
        stored: a day of texts.
        source: the asset, whose provenance says so.
        today: YYYY-MM-DD.
    """
    if "partial" not in stored.provenance.get(source, {}):
        return RuleResult(True, "Fetched after its end.")
    if stored.day == today:
        return RuleResult(True, "The day is not over: fetch it again tomorrow.")
    text = "Fetched before its end, later texts are missing: materialise it again."
    return RuleResult(False, text, severity="WARN")


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(repr(name[:60]) for name in names[:_NAMED]) + more
