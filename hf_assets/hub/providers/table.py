"""The answer of a day → the table `inference_providers`."""

from dataclasses import astuple

import polars as pl

from hf_assets.hub.providers.rows import OddValue, RouterError, offers
from hf_assets.hub.providers.schemas import INFERENCE_PROVIDERS
from hf_assets.storage.lake import StoredTable, TableWrite, iso

QUARANTINE = pl.Schema(
    {
        "model": pl.Int64,
        "provider": pl.Int64,
        "id": pl.String,
        "field": pl.String,
        "reason": pl.String,
        "value": pl.String,
    }
)


def body_of(raw: pl.LazyFrame) -> str:
    """The answer of a day of `raw_inference_providers`, as served."""
    return raw.select("body").collect().item()


def is_list(raw: StoredTable) -> bool:
    """Whether the stored answer is a list of models."""
    try:
        offers(body_of(raw.frame))
    except RouterError:
        return False
    return True


def inference_providers(raw: pl.LazyFrame, day: str) -> TableWrite:
    """One row for each offer: a model of a provider. Columns: `schemas.INFERENCE_PROVIDERS`.

    Values that do not fit are null, rows without a model or provider are left out, and the side
    table `quarantine` names both.

    Args:
        raw: that day's `raw_inference_providers`.
        day: the partition key.

    Raises:
        RouterError: the answer is no list of models.
    """
    rows, odd = offers(body_of(raw))
    frame = pl.DataFrame(rows, _WIRE).with_columns(
        day=pl.lit(iso(day)), created=pl.from_epoch("created", "ms").dt.replace_time_zone("UTC")
    )
    left_out = sum(one.field is None for one in odd)
    notes = {
        "rows": frame.height,
        "models": frame["model"].n_unique(),
        "providers": frame["provider"].n_unique(),
        "quarantined": left_out,
        "coerced": len(odd) - left_out,
    }
    return TableWrite(frames=[frame], notes=notes, aside={"quarantine": _quarantine(odd, day)})


# As `rows.offers` gives them: the day is missing, and `created` is in milliseconds.
_WIRE = pl.Schema(
    {
        name: pl.Int64() if name == "created" else dtype
        for name, dtype in INFERENCE_PROVIDERS.schema.items()
        if name != "day"
    }
)


def _quarantine(odd: list[OddValue], day: str) -> pl.DataFrame:
    rows = [astuple(one) for one in odd]
    return pl.DataFrame(rows, QUARANTINE, orient="row").with_columns(day=pl.lit(iso(day)))
