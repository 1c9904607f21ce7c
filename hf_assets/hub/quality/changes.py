"""A day of models beside the last whole one before it: what came, went, moved, and how far.

A few thousand numbers, however many models there are. `day_quality` and the series over many days
read these, and the footer, and never two days of models.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import polars as pl

from hf_assets.hub.quality.absence_rows import ASIDE, absences
from hf_assets.hub.quality.coverage import WHOLE_HUB, Extent, Place, extent_of, place_among
from hf_assets.hub.quality.rules import NULL_RATE_STEP, null_counts
from hf_assets.hub.quality.schemas import MILESTONES
from hf_assets.storage.lake import Lake, StoredTable, TableWrite, iso, origin

# Downloads in 30 days from which a model is one of the larger: its count moves every day. (Model
# Pulse takes 60 000; with 10 000 lists of a few hundred models have enough of them.)
LARGER = 10_000
# Days a step may be long, for the milestones passed in it to tell of ages: a month. Of simulated
# lives looked at once a month the median comes out within two days (`trends.survival`).
LONGEST_STEP = 31
# Days since creation for which adoption is followed: two years.
MAX_AGE = 730
# Share of all-time counters that may fall before they are taken for rolled back (Model Pulse).
ROLLED_BACK = 0.05

_ROWS = {
    "dimension": pl.String,
    "key": pl.String,
    "age": pl.Int32,
    "rows": pl.Int64,
    "value": pl.Float64,
}


def placed(lake: Lake, days: Iterable[str]) -> dict[str, Place]:
    """The place of each of those days among the stored days of `models`, from their footers.

    Each is placed alone, so that a day has one place, in a run of many days as in its own.
    """
    known = lake.days("models")
    number = {day: at for at, day in enumerate(known)}

    @cache
    def extent(at: int) -> Extent:
        stored = lake.read("models", known[at])
        return extent_of(known[at], facts_of(stored), stored.rows)

    return {day: place_among(len(known), number[day], extent) for day in sorted(days)}


def daily_changes(
    now: StoredTable,
    before: StoredTable | None,
    day: str,
    *,
    partial: bool = False,
    known: Mapping[str, Any] | None = None,
) -> TableWrite:
    """What moved. Columns: `judged.DAILY_CHANGES`.

    Of the whole Hub a model that was not listed counts as created if it was created on the earlier
    day or since, as older if it was created before (`absences` tells who of them returned), and as
    undated where its source does not say; one that is listed no more as deleted. In a list of some
    models they entered it or left it. Adoption: a model below a
    number of downloads on the earlier day is at risk at each age that it steps through (ages in
    whole days, from the day of its creation), and has reached it, or not, at the last; a model
    created between the two days is at risk from its birth. A step of more than a month, a partial
    day and counters that were rolled back have none.

    Args:
        now: that day's `models`.
        before: the `models` of the day that it is compared with (`places`), or None.
        day: the partition key.
        partial: the day broke off.
        known: `lifecycle` and `nulls` of these days, for what a thinned one cannot tell any more.
    """
    known = known or {}
    identities = {facts_of(one).get("identity", "hub") for one in (now, before) if one}
    by_name = "name" in identities
    coverage = extent_of(day, facts_of(now), now.rows).coverage
    aside = absences((), (), ())
    nulls = known.get("nulls", {}) | _null_shares(now) if _kept(now) else _null_shares(now)
    mine = _slim(now, by_name=by_name)
    counts: dict[str, int] = {"rows": mine.height}
    lifecycle: dict[str, int | None] = {}
    adoption = pl.DataFrame(schema=_ROWS)
    if before is not None:
        other = _slim(before, by_name=by_name).drop("born", "floor")
        both = mine.join(other, on="key", suffix="_before")
        fresh = mine.join(other.select("key"), on="key", how="anti")
        counts |= _compared(both) | {"rows_before": other.height}
        gone = other.join(mine.select("key"), on="key", how="anti")
        lifecycle = _lifecycle(both, by_name=by_name)
        if coverage == WHOLE_HUB:
            lifecycle = _births(now, fresh, gone, before.day) | lifecycle
        else:
            lifecycle = {"entered": fresh.height, "left": gone.height} | lifecycle
        told_then = known.get("lifecycle", {})
        lifecycle |= {key: told_then.get(key) for key in lifecycle if lifecycle[key] is None}
        aside = _absences(now, before, fresh, gone, by_name=by_name, partial=partial)
        step = (iso(day) - iso(before.day)).days
        told = mine["downloads_all_time"].count() > 0
        if told and not partial and step <= LONGEST_STEP and not rolled_back(counts):
            adoption = _adoption(both, fresh, day, before.day)
    rows = [
        *(("compared", key, None, count, None) for key, count in counts.items()),
        *(("lifecycle", key, None, count, None) for key, count in lifecycle.items()),
        *(("nulls", key, None, round(share * now.rows), share) for key, share in nulls.items()),
    ]
    hours = _hours(before, now) if before else None
    frame = pl.concat([pl.DataFrame(rows, schema=_ROWS, orient="row"), adoption]).with_columns(
        day=pl.lit(iso(day)),
        before=pl.lit(iso(before.day) if before else None, pl.Date),
        hours=pl.lit(hours, pl.Float64),
    )
    extent = extent_of(day, facts_of(now), now.rows)
    notes = {
        "rows": frame.height,
        **origin_of(facts_of(now)),
        "coverage": extent.coverage,
        "identity": "name" if by_name else "hub",
        "columns absent": sorted(facts_of(now).get("absent", [])),
        "models": None if extent.absent else now.rows,
        # Of the pages behind the day, so that a day that is replaced is told from what it was.
        "sha256": facts_of(now).get("sha256"),
        "before": before.day if before else None,
        "before sha256": facts_of(before).get("sha256") if before else None,
        "hours": hours,
        "partial": partial,
        "time known": all(facts_of(one).get("time_known", True) for one in (now, before) if one),
        "downloads": _total(mine["downloads"]),
        "downloads_all_time": _total(mine["downloads_all_time"]),
        **{name.replace("_", " "): count for name, count in lifecycle.items()},
        "compared": counts,
        "lifecycle": lifecycle,
        "nulls": nulls,
        # Who went is remembered, if anybody did.
        ASIDE: True,
    }
    provenance = dict(now.provenance)
    return TableWrite(frames=[frame], notes=notes, provenance=provenance, aside={ASIDE: aside})


def rolled_back(compared: dict[str, int]) -> bool:
    """More than one in twenty of the counters that only ever rise fell."""
    fell, known = compared.get("all_time_fell", 0), compared.get("all_time", 0)
    return fell > ROLLED_BACK * known


def shifted(now: dict[str, float], then: dict[str, float]) -> dict[str, float]:
    """Columns whose share of nulls moved by more than five points, with the step."""
    steps = {name: share - then[name] for name, share in now.items() if name in then}
    return {name: step for name, step in steps.items() if abs(step) > NULL_RATE_STEP}


def facts_of(stored: StoredTable) -> dict[str, Any]:
    """What the capture behind a day of models says of itself."""
    return stored.provenance.get("raw_models", {})


def origin_of(facts: Mapping[str, Any]) -> dict[str, str]:
    """Where a day came from: its `source`, and its `origin` (endpoint, revision or file)."""
    return {"source": facts.get("source", "captured"), "origin": origin(facts)}


def _hours(before: StoredTable, now: StoredTable) -> float | None:
    """From the end of one capture to the end of the other."""
    ends = [facts_of(one).get("finished") for one in (before, now)]
    if None in ends:
        return None
    first, second = (datetime.fromisoformat(str(end)) for end in ends)
    return round(max((second - first).total_seconds(), 0.0) / 3600, 3)


def _total(counters: pl.Series) -> int | None:
    return int(counters.sum()) if counters.count() else None


def _slim(stored: StoredTable, *, by_name: bool) -> pl.DataFrame:
    """One short row a model; ids as 64-bit hashes, of which two are hardly ever the same."""
    slim = stored.frame.select(
        key=pl.col("id" if by_name else "hub_id").hash(),
        name=pl.col("id").hash(),
        born=pl.col("created_at").dt.date(),
        floor=pl.col("floor_dated"),
        downloads=pl.col("downloads"),
        downloads_all_time=pl.col("downloads_all_time"),
        gated=pl.col("gated") != "false",
    ).collect(engine="streaming")
    # Two models that swapped names under the listing share one.
    return slim.unique("key", keep="first") if by_name else slim


def _compared(both: pl.DataFrame) -> dict[str, int]:
    now, then = pl.col("downloads"), pl.col("downloads_before")
    ever, ever_then = pl.col("downloads_all_time"), pl.col("downloads_all_time_before")
    larger = now.is_not_null() & (then >= LARGER)
    return both.select(
        both=pl.len(),
        larger=larger.sum(),
        larger_unchanged=(larger & (now == then)).sum(),
        all_time=(ever.is_not_null() & ever_then.is_not_null()).sum(),
        all_time_fell=(ever < ever_then).sum(),
    ).row(0, named=True)


def _lifecycle(both: pl.DataFrame, *, by_name: bool) -> dict[str, int | None]:
    gated, was = pl.col("gated"), pl.col("gated_before")
    # A day that was thinned, or a source without the field, tells nothing of it: that is not none.
    known = (gated.count() > 0) & (was.count() > 0) | (pl.len() == 0)
    renamed = {} if by_name else {"renamed": (pl.col("name") != pl.col("name_before")).sum()}
    return both.select(
        **renamed,
        gated_on=pl.when(known).then((gated & ~was).sum()),
        gated_off=pl.when(known).then((was & ~gated).sum()),
    ).row(0, named=True)


def _births(
    now: StoredTable, fresh: pl.DataFrame, gone: pl.DataFrame, before: str
) -> dict[str, int | None]:
    born = pl.col("born")
    found = fresh.select(
        created=(born >= iso(before)).sum(),
        older=(born < iso(before)).sum(),
        undated=born.null_count(),
    ).row(0, named=True)
    # A day that an earlier version thinned has given up who was created when.
    gave_up = _kept(now) and "created_at" not in _kept(now)
    return (dict.fromkeys(found) if gave_up else found) | {"deleted": gone.height}


def _absences(
    now: StoredTable,
    before: StoredTable,
    fresh: pl.DataFrame,
    gone: pl.DataFrame,
    *,
    by_name: bool,
    partial: bool,
) -> pl.DataFrame:
    """Who went, and who came and may have been there before."""
    born = pl.col("born")
    older, undated = fresh.filter(born < iso(before.day)), fresh.filter(born.is_null())
    went = gone.clear() if partial else gone
    return absences(
        _names(before, went, by_name=by_name),
        _names(now, older, by_name=by_name),
        _names(now, undated, by_name=by_name),
    )


def _names(stored: StoredTable, wanted: pl.DataFrame, *, by_name: bool) -> list[str]:
    """The identities behind those keys."""
    if wanted.is_empty():
        return []
    name = pl.col("id" if by_name else "hub_id")
    named = stored.frame.select(name=name, key=name.hash())
    found = named.join(wanted.lazy().select("key"), on="key", how="semi")
    return found.collect(engine="streaming")["name"].unique().sort().to_list()


def _adoption(both: pl.DataFrame, fresh: pl.DataFrame, day: str, before: str) -> pl.DataFrame:
    """At risk and reached, by number and age. Models dated by the Hub's floor have no age."""
    age = (pl.lit(iso(day)) - pl.col("born")).dt.total_days().cast(pl.Int32)
    step = (iso(day) - iso(before)).days
    listed = both.lazy().select(
        *("floor", "downloads_all_time"), "downloads_all_time_before", age=age, first=age - step + 1
    )
    newborn = (
        fresh.lazy()
        .filter(pl.col("born") >= iso(before))
        .select(
            *("floor", "downloads_all_time"),
            downloads_all_time_before=pl.lit(0, pl.Int64),
            age=age,
            first=pl.lit(0, pl.Int32),
        )
    )
    now, then = pl.col("downloads_all_time"), pl.col("downloads_all_time_before")
    known = (
        pl.concat([listed, newborn])
        .filter(~pl.col("floor"), pl.col("age").is_between(0, MAX_AGE))
        .filter(now.is_not_null(), then.is_not_null())
    )
    return _toward(known).collect(engine="in-memory")


def _toward(known: pl.LazyFrame) -> pl.LazyFrame:
    now, then = pl.col("downloads_all_time"), pl.col("downloads_all_time_before")
    below = {number: then < number for number in MILESTONES}
    steps = known.group_by("first", "age").agg(
        *(under.sum().alias(f"below {number}") for number, under in below.items()),
        *((under & (now >= number)).sum().alias(f"to {number}") for number, under in below.items()),
    )
    each = [
        steps.select(
            *("first", "age"),
            number=pl.lit(number),
            rows=pl.col(f"below {number}").cast(pl.Int64),
            value=pl.col(f"to {number}").cast(pl.Float64),
        )
        for number in MILESTONES
    ]
    return (
        pl.concat(each)
        .filter(pl.col("rows") > 0)
        .with_columns(at=pl.int_ranges("first", pl.col("age") + 1, dtype=pl.Int32))
        .explode("at")
        .with_columns(value=pl.when(pl.col("at") == pl.col("age")).then("value").otherwise(0.0))
        .group_by("number", age="at")
        .agg(pl.col("rows").sum(), pl.col("value").sum())
        .select(
            pl.lit("adoption").alias("dimension"),
            pl.col("number").cast(pl.String).alias("key"),
            *("age", "rows", "value"),
        )
    )


def _null_shares(stored: StoredTable) -> dict[str, float]:
    """Share of nulls a column, 0 to 1; nothing of a day without rows, or of what it gave up."""
    counts = null_counts(stored) if stored.rows else {}
    kept = _kept(stored) or counts.keys()
    return {name: counts[name] / stored.rows for name in counts if name in kept and name != "day"}


def _kept(stored: StoredTable) -> set[str]:
    """The columns that a thinned day kept; none of one that is whole."""
    return set(stored.notes["kept"].split(", ")) if "thinned" in stored.notes else set()
