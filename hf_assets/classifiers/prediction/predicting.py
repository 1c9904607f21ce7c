"""The predicted categories of a day: a row for each model that the Hub gives no category.

A model whose text is the same keeps what the same classifier said on the last day; new and changed
models are asked, for `LONGEST` seconds at most: the others are unknown until the next day.
"""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from hf_assets.classifiers.prediction.predictor import Predictor
from hf_assets.corpora.hub.wording import READ, Wording, hashes
from hf_assets.hub.tables.predictions import (
    CHECKED,
    NO_CLASSIFIER,
    NOT_REACHED,
    PREDICTED_CATEGORIES,
    UNSURE,
    Answers,
    LabelSum,
    PredictionRecord,
)
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso

# Seconds of a day's run that the model may take: TF-IDF answers a million texts in less.
LONGEST = 600.0
# Days back in which predictions of the same classifier are looked for.
LOOK_BACK = 60
_BATCH = 50_000
# Texts asked between two looks at the clock.
_ASKED = 2_000
_KEPT = {"label": pl.String, "probability": pl.Float32, "reason": pl.String}


@dataclass(frozen=True)
class Earlier:
    """Earlier days of predictions, opened.

    Attributes:
        same: the last one of the same classifier, whose predictions stay; or None.
        last: the last one of any classifier that predicted something, to be checked; or None.
    """

    same: StoredTable | None = None
    last: StoredTable | None = None

    @classmethod
    def of(cls, lake: Lake, day: str, version: str | None) -> "Earlier":
        """Those before that day."""
        name = PREDICTED_CATEGORIES.name
        before = [one for one in lake.days(name) if one < day][-LOOK_BACK:]
        same = last = None
        for one in reversed(before):
            record = PredictionRecord.read(lake.notes(name, one))
            if record.version is None:
                continue
            last = last or lake.read(name, one)
            if record.version == version:
                same = lake.read(name, one)
                break
        return cls(same, last)


def predict_day(
    models: StoredTable,
    predictor: Predictor | None,
    earlier: Earlier,
    why_not: str = "",
    longest: float = LONGEST,
) -> TableWrite:
    """The rows of a day. Columns: `PREDICTED_CATEGORIES`; the side table `checked`: `CHECKED`.

    Args:
        models: that day's, not thinned.
        predictor: or None: every model without a category is then unknown, and none is checked.
        earlier: days before it.
        why_not: why there is no predictor.
        longest: seconds that the model may be asked.
    """
    served = pl.col("category").is_not_null()
    rows = (
        models.frame.select("hub_id", "id", "category").filter(served).collect(engine="streaming")
    )
    # A day without predictions is none to be checked later: the next day checks past it.
    last = earlier.last if predictor else None
    checked = _checked(rows, last)
    record = PredictionRecord(
        models=models.rows, with_category=rows.height, why_not=why_not or None
    )
    _note_checked(record, checked, last)
    day = _Day(record, predictor, earlier.same, longest)
    return TableWrite(
        day.frames(models),
        provenance=dict(models.provenance),
        aside={"checked": checked.filter(pl.col("label").is_not_null())},
        record=record,
    )


def _checked(rows: pl.DataFrame, last: StoredTable | None) -> pl.DataFrame:
    """Models without a served category on the earlier day that have one now: `CHECKED`."""
    if last is None:
        return pl.DataFrame(schema=CHECKED)
    known = ["hub_id", "label", "probability", "version"]
    before = last.frame.select(known).collect()
    return rows.join(before, on="hub_id").select(*CHECKED).sort("hub_id")


def _note_checked(
    record: PredictionRecord, checked: pl.DataFrame, last: StoredTable | None
) -> None:
    if last is None:
        return
    record.checked_against = last.day
    record.checked_version = last.notes.get("version")
    said = checked.filter(pl.col("label").is_not_null())
    record.answered_unknown = checked.height - said.height
    right = pl.col("label") == pl.col("category")
    sums = said.group_by("label").agg(right=right.sum(), wrong=(~right).sum()).sort("label")
    record.checked = {label: Answers(hits, misses) for label, hits, misses in sums.iter_rows()}


@dataclass
class _Day:
    """A day while it is made; `record` is complete once `frames` is exhausted."""

    record: PredictionRecord
    predictor: Predictor | None
    same: StoredTable | None
    longest: float
    _asked: float = 0.0
    _unknown: Counter[str] = field(default_factory=Counter)

    def frames(self, models: StoredTable) -> Iterator[pl.DataFrame]:
        record, predictor = self.record, self.predictor
        if predictor:
            record.version, record.model = predictor.record.version, predictor.record.model
            record.probability = predictor.record.threshold
        wording = Wording(predictor.record.categories if predictor else ())
        kept = self._kept()
        unread = models.frame.filter(pl.col("category").is_null())
        columns = [*READ, "hub_id", "downloads"] if predictor else ["hub_id", "id", "downloads"]
        for batch in unread.select(columns).collect_batches(chunk_size=_BATCH, maintain_order=True):
            if predictor is None:
                none = {name: pl.lit(None, kind) for name, kind in _KEPT.items()}
                said = batch.with_columns(**none | {"reason": pl.lit(NO_CLASSIFIER)})
                said = said.with_columns(text=pl.lit(None, pl.Int64))
            else:
                said = self._said(batch, wording, kept, predictor)
            self._count(said)
            yield said.select(
                *("hub_id", "id", "label", "probability", "reason", "text"),
                day=pl.lit(iso(models.day)),
                model=pl.lit(record.model, pl.String),
                version=pl.lit(record.version, pl.String),
            )
        record.unknown = dict(self._unknown)
        record.labels = dict(sorted(record.labels.items()))

    def _kept(self) -> pl.DataFrame:
        """What stays of the last day of the same classifier."""
        if self.same is None:
            return pl.DataFrame(schema={"hub_id": pl.String, "text": pl.Int64, **_KEPT})
        self.record.kept_from = self.same.day
        rows = self.same.frame.filter(pl.col("probability").is_not_null())
        return rows.select("hub_id", "text", *_KEPT).collect(engine="streaming")

    def _said(
        self, batch: pl.DataFrame, wording: Wording, kept: pl.DataFrame, predictor: Predictor
    ) -> pl.DataFrame:
        """The rows with label, probability and reason: kept where the text stands, else asked."""
        texts = wording.texts(batch)
        rows = batch.select("hub_id", "id", "downloads", text=hashes(texts))
        rows = rows.join(kept, on=["hub_id", "text"], how="left", maintain_order="left")
        new = rows["probability"].is_null().arg_true()
        self.record.kept += rows.height - len(new)
        if not len(new):
            return rows
        labels, probability = self._answers(texts.gather(new).to_list(), predictor)
        threshold = predictor.record.threshold
        sure = probability >= np.float32(np.inf if threshold is None else threshold)
        reasons = [UNSURE if p == p else NOT_REACHED for p in probability.tolist()]
        answers = pl.DataFrame(
            {
                "label": [label if hit else None for label, hit in zip(labels, sure, strict=True)],
                "probability": pl.Series(probability, dtype=pl.Float32).fill_nan(None),
                "reason": [None if s else why for why, s in zip(reasons, sure, strict=True)],
            },
            schema=_KEPT,
        )
        old = rows.drop(*_KEPT)
        kept_rows = rows.with_row_index("at").filter(pl.col("probability").is_not_null())
        asked = old[new].hstack(answers).insert_column(0, new.cast(pl.UInt32).alias("at"))
        # In the order of the models, whatever is kept: the same day is then the same file.
        return pl.concat([kept_rows, asked]).sort("at").drop("at")

    def _answers(self, texts: list[str], predictor: Predictor) -> tuple[list[str], np.ndarray]:
        """The likeliest label of each text; NaN and no label once the time is up."""
        labels: list[str] = []
        probability = np.full(len(texts), np.nan, np.float32)
        for at in range(0, len(texts), _ASKED):
            if self._asked >= self.longest:
                break
            began = time.perf_counter()
            said, probability[at : at + _ASKED] = predictor.predict(texts[at : at + _ASKED])
            labels += said
            self._asked += time.perf_counter() - began
        return labels + [""] * (len(texts) - len(labels)), probability

    def _count(self, said: pl.DataFrame) -> None:
        record = self.record
        sums = said.group_by("label", "reason").agg(pl.len(), pl.col("downloads").sum())
        for label, reason, rows, downloads in sums.iter_rows():
            if label is None:
                self._unknown[reason] += rows
                continue
            record.predicted += rows
            of = record.labels.setdefault(label, LabelSum())
            of.rows, of.downloads = of.rows + rows, of.downloads + (downloads or 0)
