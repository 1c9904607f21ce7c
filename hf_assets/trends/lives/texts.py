"""Category and date of creation of every model, as `models` says: `model_days` has neither.

Of a model that the newest day lists, they are of that day; of others, of the last day of the last
month whose last day lists them, else unknown.
"""

from collections.abc import Iterable, Sequence

import polars as pl

from hf_assets.hub.repository_days.reading import day_of
from hf_assets.hub.repository_days.schemas import MODEL_DAYS
from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.storage.months import month_of

_SCHEMA = pl.Schema({"hub_id": pl.String, "category": pl.Categorical(), "created": pl.Date})


def texts(lake: Lake, days: Sequence[str], identities: Iterable[pl.Series]) -> pl.DataFrame:
    """hub_id, category and created of every model, in the order of `hub_id`.

    Args:
        lake: the lake.
        days: stored days, oldest first.
        identities: every `hub_id`, in order, in parts of any size.
    """
    last_of_months = {month_of(day): day for day in days}
    if not last_of_months:
        return pl.DataFrame(schema=_SCHEMA)
    newest, *older = reversed(last_of_months.values())
    found = [_of_day(lake, newest)]
    if not older:
        return found[0]
    parts = [one.filter(~one.is_in(_near(found[0], one)["hub_id"].implode())) for one in identities]
    gone = pl.concat([pl.Series("hub_id", [], pl.String), *parts])
    for day in older:
        if not len(gone):
            break
        found.append(_of_day(lake, day, gone))
        gone = gone.filter(~gone.is_in(found[-1]["hub_id"].implode()))
    return pl.concat(found).sort("hub_id") if len(found) > 1 else found[0]


def of_models(texts: pl.DataFrame, hub_ids: pl.Series) -> pl.DataFrame:
    """category, created and `there`, whether a day says them, of these models, in their order.

    Args:
        texts: of every model.
        hub_ids: ascending, without duplicates.
    """
    near = _near(texts, hub_ids).with_columns(pl.col("category").cast(pl.String), there=True)
    rows = hub_ids.to_frame().join(near, on="hub_id", how="left", maintain_order="left")
    return rows.drop("hub_id").with_columns(pl.col("there").fill_null(value=False))


def _near(texts: pl.DataFrame, hub_ids: pl.Series) -> pl.DataFrame:
    """The rows from the first to the last of these, which are ascending."""
    begin, end = (texts["hub_id"].search_sorted(one) for one in (hub_ids[0], hub_ids[-1]))
    return texts[begin : end + 1]


def _of_day(lake: Lake, day: str, only: pl.Series | None = None) -> pl.DataFrame:
    """What a day says, in the order of `hub_id`; of these models alone."""
    try:
        stored = lake.read(MODELS.name, day)
    except MissingDay:
        return pl.DataFrame(schema=_SCHEMA)
    frame = _given_back(lake, day) if stored.emptied else stored.frame
    hub_id = pl.coalesce("hub_id", "name:" + pl.col("id"))
    created = pl.col("created_at").cast(pl.Date)
    rows = frame.select(hub_id=hub_id, category="category", created=created)
    if only is not None:
        rows = rows.filter(pl.col("hub_id").is_in(only.implode()))
    found = rows.collect().cast(_SCHEMA).sort("hub_id", maintain_order=True)
    return found.filter((pl.col("hub_id") != pl.col("hub_id").shift()).fill_null(value=True))


def _given_back(lake: Lake, day: str) -> pl.LazyFrame:
    """These columns of an emptied day: less to read than the day as a table."""
    rows = day_of(lake, MODEL_DAYS.name, day, ["id", "category", "created_at"])
    if rows is None:
        raise ValueError(
            f"the rows of {day} lie in {MODEL_DAYS.name} alone, which does not have it"
        )
    return rows.lazy()
