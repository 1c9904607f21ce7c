"""Corpora and the sides of their rows."""

from hf_assets.corpora.corpus import Corpus


def sides_of(corpus: Corpus) -> dict[str, str]:
    return dict(corpus.frame.select("id", "split").iter_rows())
