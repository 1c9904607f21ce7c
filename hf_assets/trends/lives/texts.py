"""Category and date of creation of every model, as `models` says: `model_days` has neither.

Of a model that the newest day lists, they are of that day; of others, of the last day of the last
month whose last day lists them, else unknown.
"""

import polars as pl

from hf_assets.hub.tables.schemas import MODELS
from hf_assets.storage.lake import Lake, MissingDay
from hf_assets.storage.months import month_of

_SCHEMA = {"hub_id": pl.String, "category": pl.Categorical, "created": pl.Date}


def texts(lake: Lake, days: list[str]) -> pl.DataFrame:
    """hub_id, category and created of every model, in the order of `hub_id`.

    Args:
        lake: the lake.
        days: stored days, oldest first.
    """
    last = {month_of(day): day for day in days}
    found = pl.DataFrame(schema=_SCHEMA)
    for day in reversed(last.values()):
        rows = _of_day(lake, day)
        if found.height:
            rows = rows.join(found.select("hub_id"), on="hub_id", how="anti")
        found = pl.concat([found, rows])
    return found.sort("hub_id")


def of_models(texts: pl.DataFrame, hub_ids: pl.Series) -> pl.DataFrame:
    """category and created of these models, in their order; null where unknown.

    Args:
        texts: of every model.
        hub_ids: ascending, without duplicates.
    """
    begin, end = (texts["hub_id"].search_sorted(one) for one in (hub_ids[0], hub_ids[-1]))
    near = texts[begin : end + 1].with_columns(pl.col("category").cast(pl.String))
    rows = hub_ids.to_frame().join(near, on="hub_id", how="left", maintain_order="left")
    return rows.drop("hub_id")


def _of_day(lake: Lake, day: str) -> pl.DataFrame:
    try:
        frame = lake.read(MODELS.name, day).frame
    except MissingDay:
        return pl.DataFrame(schema=_SCHEMA)
    hub_id = pl.coalesce("hub_id", "name:" + pl.col("id"))
    created = pl.col("created_at").cast(pl.Date)
    rows = frame.select(hub_id=hub_id, category="category", created=created).collect()
    return rows.cast(_SCHEMA).unique("hub_id", keep="first")
