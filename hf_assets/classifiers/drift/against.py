"""What a week's texts are compared with: the training rows, the baseline's words, the tagger."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from hf_assets.classifiers.drift.measures import Distances, spaced, unseen_words
from hf_assets.classifiers.drift.table import MOST_ASKED, Against
from hf_assets.classifiers.evaluation.results import open_leaderboard, served_row
from hf_assets.classifiers.prediction.predictor import open_predictor
from hf_assets.classifiers.provenance import file_fingerprint
from hf_assets.classifiers.tfidf import TfIdf
from hf_assets.corpora.corpus import Corpus
from hf_assets.corpora.growth import corpus_fingerprint, rare_labels
from hf_assets.errors import InputError

_TFIDF = "tfidf.npz"


class Served(NamedTuple):
    """What labels texts: its fingerprint, which of some texts get no label, the usual share."""

    version: str
    unlabelled: Callable[[Sequence[str]], Sequence[bool]]
    usual: float | None


def compared_with(
    corpus: Corpus,
    baseline: Path | None,
    served: Served | None,
    natural: pl.Series | None = None,
) -> Against:
    """What the texts that came since are compared with.

    Args:
        corpus: that they are not in.
        baseline: its folder, if there is one.
        served: the tagger or predictor, if there is one.
        natural: lists of labels in their own proportions, where the corpus has others; of labels
            without a column, too.
    """
    train = corpus.unread.filter(pl.col("split") == "train").select("labels").collect()["labels"]
    rare = rare_labels(corpus)
    others = round(sum(rare.values()) * len(train) / max(corpus.facts.rows or 0, 1))
    if natural is not None and len(natural):
        train = natural.list.eval(pl.element().filter(pl.element().is_in(list(corpus.labels))))
        others = sum(map(len, natural)) - sum(map(len, train))
    known, usual, versions = None, None, []
    if baseline is not None:
        known = _words(baseline / _TFIDF)
        versions.append(file_fingerprint(baseline / _TFIDF))
        validation = corpus.unread.filter(pl.col("split") == "validation").select("text").collect()
        _, usual = unseen_words(spaced(validation["text"].to_list(), MOST_ASKED), known)
    if served:
        versions.append(served.version)
    return Against(
        corpus=corpus_fingerprint(corpus),
        labels=corpus.labels,
        rare=frozenset(rare),
        distances=Distances.of(corpus.labels, train, others),
        words=known,
        unlabelled=served.unlabelled if served else None,
        measured_by=" ".join(versions),
        usual_words=usual,
        usual_unlabelled=served.usual if served else None,
    )


def tagger_of(space: Path, leaderboard: Path | None) -> Served:
    """The tagger of a Space's folder; what is usual is its share on test."""
    from hf_assets.classifiers.tagger import FILES, NotATagger, Tagger  # onnxruntime

    folder, usual = space / "model", None
    try:
        tagger = Tagger.load(folder)
    except NotATagger as error:
        raise InputError(f"{folder} is torn ({error}): materialise tagger_space again") from error
    if leaderboard is not None:
        row = served_row(open_leaderboard(leaderboard).rows)
        usual = row["rows_unlabelled"] if row else None
    files = [folder / name for name in (*FILES, "config.json", _TFIDF)]
    version = file_fingerprint(*(path for path in files if path.is_file()))
    return Served(version, lambda texts: [not tags for tags in tagger.predict(texts)], usual)


def predictor_of(folder: Path) -> Served:
    """The predictor of categories; what is usual is its share on validation."""
    found = open_predictor(folder)
    threshold, coverage = found.record.threshold, found.record.validation.coverage

    def unlabelled(texts: Sequence[str]) -> list[bool]:
        if threshold is None:
            return [True] * len(texts)
        return (found.predict(texts)[1] < threshold).tolist()

    usual = 1.0 if threshold is None else None if coverage is None else 1 - coverage
    return Served(found.record.version, unlabelled, usual)


def _words(path: Path) -> frozenset[str]:
    try:
        return frozenset(term for term in TfIdf.load(path).terms if " " not in term)
    except (ValueError, KeyError, OSError) as error:
        raise InputError(f"{path} is torn ({error}): materialise the baseline again") from error
