"""Charts of the pages, in Altair: lines over days with flagged days shaded, and bars."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from hf_assets.trends.metrics.sums import OTHER as UNTOLD

BLUE = "#2F6FE0"
# Told apart by those who see fewer colours, too; the last is for what was lumped together.
COLORS = ["#2F6FE0", "#E07B2F", "#2E9E6B", "#B2479B", "#8C6D1F", "#3BA7C4", "#7A5BD0", "#C4483B"]
GREY = "#9AA4B2"
# d3 says G for what people call B.
HUMAN = "replace(format(datum.value, '.3~s'), 'G', 'B')"
# Neighbouring marks of an axis that begins elsewhere than at 0 differ late.
LATE = HUMAN.replace(".3", ".5")
PERCENT, LATE_PERCENT = "format(datum.value, '.0%')", "format(datum.value, '.2~%')"
OTHER = "all others"
FEW_DAYS = 10


def lines(
    frame: pl.DataFrame,
    y: str,
    title: str,
    *,
    by: str | None = None,
    flagged: Sequence[str] = (),
    share: bool = False,
    x: str = "day",
    height: int = 280,
) -> alt.LayerChart | alt.FacetChart:
    """A line over days, or one for each value of `by`; gaps stay open, flagged days are shaded.

    The axis begins at 0 where that tells something (`from_zero`). Names have no legend here: the
    page has it as text (`colors`).

    Args:
        frame: has `x`, `y` and `by`; nulls break the line.
        y: the measure's column.
        title: of its axis, with the unit.
        by: a column of up to eight names.
        flagged: days, ISO.
        share: the values are parts of a whole.
        x: "day", or "age": days since release.
        height: px.
    """
    rows = frame.select(x, y, *([by] if by else []))
    rows = _open_gaps(rows, by, x)
    whole = from_zero(frame[y])
    said = (PERCENT if whole else LATE_PERCENT) if share else HUMAN if whole else LATE
    marks = alt.Axis(format="%-d %b %Y", labelOverlap=True)
    if x == "day" and (few := rows["day"].unique().sort()).len() <= FEW_DAYS:
        # By itself the axis would have marks between days, too.
        marks.values = [alt.DateTime(year=d.year, month=d.month, date=d.day) for d in few]
    dated = alt.X("day:T", title=None, axis=marks)
    aged = alt.X(
        "age:Q",
        title="days since release",
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(labelOverlap=True, tickMinStep=1),
    )
    base = alt.Chart(rows).encode(
        x=dated if x == "day" else aged,
        y=alt.Y(
            f"{y}:Q",
            title=title,
            scale=alt.Scale(zero=whole),
            axis=alt.Axis(labelExpr=said, tickCount=5),
        ),
        tooltip=[
            *([alt.Tooltip(f"{by}:N", title="which")] if by else []),
            alt.Tooltip("day:T", format="%Y-%m-%d")
            if x == "day"
            else alt.Tooltip("age:Q", title="days since release"),
            alt.Tooltip(f"{y}:Q", title=title, format=".1%" if share else ",.6~g"),
        ],
    )
    if by:
        painted = colors(rows[by])
        scale = alt.Scale(domain=list(painted), range=list(painted.values()))
        base = base.encode(color=alt.Color(f"{by}:N", scale=scale, legend=None))
        line = base.mark_line(strokeWidth=2)
    else:
        line = base.mark_line(strokeWidth=2, color=BLUE)
    # A single day between two gaps is no line.
    dots = base.mark_point(size=14, filled=True, color=alt.Undefined if by else BLUE)
    layers = [line, dots]
    if flagged:
        layers.insert(0, _shade(flagged))
    return alt.layer(*layers).properties(height=height)


def colors(names: pl.Series) -> dict[str, str]:
    """The colour of each name, in their order."""
    unique = names.unique(maintain_order=True).to_list()
    return {name: GREY if name == OTHER else COLORS[at % 8] for at, name in enumerate(unique)}


def from_zero(values: pl.Series) -> bool:
    """Whether an axis from 0 tells something: the lowest value is under half of the highest.

    Above that, the lower half of the chart is empty, and the line above it flat: but a line that is
    level anyhow has nothing to gain.
    """
    known = values.drop_nulls().drop_nans()
    if known.is_empty():
        return True
    low, high = float(known.min()), float(known.max())  # ty: ignore[invalid-argument-type]
    return low < 0 or low <= high / 2 or low == high


def _open_gaps(frame: pl.DataFrame, by: str | None, x: str) -> pl.DataFrame:
    """A row without a number on each day that is missing: the line breaks there."""
    if frame[x].drop_nulls().is_empty():
        return frame
    first, last = pl.col(x).min(), pl.col(x).max()
    spanned = pl.date_range(first, last) if x == "day" else pl.int_range(first, last + 1)
    every = frame.select(spanned.alias(x))
    if by is None:
        return every.join(frame, on=x, how="left").sort(x)
    names = frame.select(pl.col(by).unique(maintain_order=True))
    full = names.join(every, how="cross")
    return full.join(frame, on=[x, by], how="left", maintain_order="left")


def _shade(days: Sequence[str]) -> alt.Chart:
    spans = pl.DataFrame({"from": days}).with_columns(pl.col("from").str.to_date())
    spans = spans.with_columns(
        pl.col("from").cast(pl.Datetime("ms")) - pl.duration(hours=12),
        to=pl.col("from").cast(pl.Datetime("ms")) + pl.duration(hours=12),
    )
    where: Any = alt.Chart(spans).encode(x=alt.X("from:T", title=None), x2="to:T")
    return where.mark_rect(opacity=0.35, color="#E8C468")


def bars(
    frame: pl.DataFrame, name: str, value: str, title: str, *, share: bool = False
) -> alt.Chart:
    """Horizontal bars in the order of the rows."""
    ordered: Any = alt.Chart(frame).encode(
        y=alt.Y(
            f"{name}:N",
            sort=None,
            title=None,
            axis=alt.Axis(labelLimit=260, labelOverlap=False),
        ),
        x=alt.X(
            f"{value}:Q",
            title=title,
            axis=alt.Axis(labelExpr=PERCENT if share else HUMAN, tickCount=5),
        ),
        tooltip=[
            alt.Tooltip(f"{name}:N", title="which"),
            alt.Tooltip(f"{value}:Q", title=title, format=".1%" if share else ","),
        ],
    )
    return ordered.mark_bar(color=BLUE, cornerRadiusEnd=2).properties(height=alt.Step(26))


def summed(frame: pl.DataFrame) -> pl.DataFrame:
    """Every column but `day`, added up a day: null, and no zero, where nothing is known."""
    known = pl.exclude("day").is_not_null().any()
    return frame.group_by("day").agg(pl.when(known).then(pl.exclude("day").sum())).sort("day")


def leading(
    frame: pl.DataFrame, key: str, measure: str, *, most: int = 7, rest: bool = True
) -> pl.DataFrame:
    """The `most` keys that lead on the last day that is known, and the sum of the others.

    The series' own row of keys that it does not tell apart is one of the others.
    """
    named = frame.with_columns(pl.col(key).fill_null("none given"))
    known = named.filter(pl.col(measure).is_not_null(), pl.col(key) != UNTOLD)
    last = known.filter(pl.col("day") == pl.col("day").max())
    ranked = last.sort(measure, key, descending=[True, False], nulls_last=True)
    first = ranked.head(most)[key].to_list()
    kept = named.filter(pl.col(key).is_in(first)).select("day", key, measure)
    order = pl.DataFrame({key: first}).join(kept, on=key, how="inner", maintain_order="left")
    if not rest:
        return order.select("day", key, measure)
    others = summed(named.filter(~pl.col(key).is_in(first)).select("day", measure))
    others = others.with_columns(pl.lit(OTHER).alias(key))
    return pl.concat([order.select("day", key, measure), others.select("day", key, measure)])
