"""The text of a model of the Hub: its name cut into words, library, tags, names of base models.

The author is left out: a split by author cannot measure what an author's name adds, and scores of
known authors would lie lower than those the threshold was tuned on.
The corpus and every prediction read the same text. Tags that name a category are left out,
whatever their case, spaces and hyphens, and so are tags that the Hub derives from a category: they
would give the answer away in training, and no model without a category has them.
"""

import zlib
from collections.abc import Callable, Iterable
from functools import cached_property

import polars as pl

# Columns of `models` that a text is made of.
READ = ("id", "library", "tags", "base_models")
# The Hub adds them where the category allows it: of the first 1 000 models of December 2025,
# autotrain_compatible had 38 % of those with a category and none of the others.
DERIVED_TAGS = (
    *("autotrain_compatible", "endpoints_compatible", "text-generation-inference"),
    *("text-embeddings-inference", "inference_endpoints_compatible"),
)
# `deploy:` derives from the category, too; licences, papers and regions say nothing of it, and base
# models are named by their own column.
PREFIXES = ("deploy:", "region:", "license:", "arxiv:", "doi:", "base_model:")
# The Hub's categories, for a day that has few of them.
CATEGORIES = (
    *("any-to-any", "audio-classification", "audio-text-to-text", "audio-to-audio"),
    *("automatic-speech-recognition", "conversational", "depth-estimation"),
    *("document-question-answering", "feature-extraction", "fill-mask", "graph-ml"),
    *("image-classification", "image-feature-extraction", "image-segmentation"),
    *("image-text-to-image", "image-text-to-text", "image-text-to-video", "image-to-3d"),
    *("image-to-image", "image-to-text", "image-to-video", "keypoint-detection"),
    *("mask-generation", "multiple-choice", "object-detection", "question-answering"),
    *("reinforcement-learning", "robotics", "sentence-similarity", "summarization"),
    *("table-question-answering", "table-to-text", "tabular-classification", "tabular-regression"),
    *("tabular-to-text", "text-classification", "text-generation", "text-ranking"),
    "text-retrieval",
    *("text-to-3d", "text-to-audio", "text-to-image", "text-to-speech", "text-to-video"),
    *("text2text-generation", "time-series-forecasting", "token-classification", "translation"),
    *("unconditional-image-generation", "video-classification", "video-text-to-text"),
    *("video-to-video", "visual-document-retrieval", "visual-question-answering"),
    *("voice-activity-detection", "zero-shot-classification", "zero-shot-image-classification"),
    "zero-shot-object-detection",
)  # fmt: skip

_SIGNS = r"[\s\-_./:,;|+@#()\[\]{}]+"
_UNSEEN = "[\\s\\x00-\\x1f\\x7f-\\x9f\u200b\u2060\ufeff]+"
_LOWER_UPPER, _LETTER_DIGIT, _DIGIT_LETTER = (
    "([a-z])([A-Z])",
    "([A-Za-z])([0-9])",
    "([0-9])([A-Za-z])",
)


class Wording:
    """Texts of models, without tags that name a category.

    Args:
        categories: those of a day; the Hub's known ones are added.
    """

    def __init__(self, categories: Iterable[str] = ()) -> None:
        self.categories = tuple(sorted({*CATEGORIES, *categories}))

    @cached_property
    def _bare(self) -> pl.Series:
        names = pl.Series([*self.categories, *DERIVED_TAGS], dtype=pl.String)
        return names.to_frame("name").select(_bare(pl.col("name"))).to_series().unique()

    def tells(self, tags: pl.Expr) -> pl.Expr:
        """Whether a tag names a category, or derives from one; also behind a prefix."""
        last = _bare(tags.str.split(":").list.last())
        return last.is_in(self._bare.implode())

    def texts(self, models: pl.DataFrame) -> pl.Series:
        """The texts of these rows of `models`, in their order.

        Args:
            models: with the columns `READ`.
        """
        rows = models.select(READ).with_row_index("at")
        name = pl.col("id").str.replace("^[^/]*/", "")
        library = pl.when(~self.tells(pl.col("library"))).then(_words(pl.col("library")))
        bases = rows.select("at", pl.col("base_models").list.eval(pl.element().struct.field("id")))
        parts = (
            rows.select("at", _names(name).alias("id"), library.alias("library"))
            .join(self._tags(rows), on="at", how="left", maintain_order="left")
            .join(_joined(bases, "base_models", _names), on="at", how="left", maintain_order="left")
        )
        text = pl.concat_str(
            "id", "library", "tags", "base_models", separator=" ", ignore_nulls=True
        )
        return parts.select(text.str.replace_all(_UNSEEN, " ").str.strip_chars())["id"].alias(
            "text"
        )

    def _tags(self, rows: pl.DataFrame) -> pl.DataFrame:
        return _joined(rows.select("at", "tags"), "tags", _words, self._kept(pl.col("tags")))

    def _kept(self, tags: pl.Expr) -> pl.Expr:
        by_prefix = pl.any_horizontal(tags.str.starts_with(prefix) for prefix in PREFIXES)
        return ~(by_prefix | self.tells(tags))


def hashes(texts: pl.Series) -> pl.Series:
    """A number for each text (Int64), the same on every machine: equal where nothing changed."""
    return pl.Series([zlib.crc32(text.encode()) for text in texts], dtype=pl.Int64)


def _bare(names: pl.Expr) -> pl.Expr:
    return names.str.to_lowercase().str.replace_all(r"[\s_\-]+", "")


def _words(names: pl.Expr) -> pl.Expr:
    return names.str.replace_all(_SIGNS, " ")


def _names(names: pl.Expr) -> pl.Expr:
    """The words of ids, and again cut at capitals and digits where that gives others."""
    whole = _words(names)
    cut = whole.str.replace_all(_LOWER_UPPER, "$1 $2").str.replace_all(_LETTER_DIGIT, "$1 $2")
    cut = cut.str.replace_all(_DIGIT_LETTER, "$1 $2")
    return pl.when(cut == whole).then(whole).otherwise(pl.concat_str(whole, cut, separator=" "))


def _joined(
    rows: pl.DataFrame,
    column: str,
    shaped: Callable[[pl.Expr], pl.Expr],
    kept: pl.Expr | None = None,
) -> pl.DataFrame:
    """A list column as one text a row, each distinct value shaped once.

    Args:
        rows: with `at` and the column.
        column: of lists of texts.
        shaped: what becomes of a value.
        kept: of the values, which stay; None: all.
    """
    each = rows.explode(column).drop_nulls(column)
    values = each.select(pl.col(column).unique())
    values = values if kept is None else values.filter(kept)
    values = values.with_columns(shaped(pl.col(column)).alias("shaped"))
    return (
        each.join(values, on=column, how="inner", maintain_order="left")
        .group_by("at", maintain_order=True)
        .agg(pl.col("shaped").str.join(" ").alias(column))
    )
