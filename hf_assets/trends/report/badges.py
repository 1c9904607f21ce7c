"""Badges to carry away: a small SVG and a small JSON for each of the first thousand models.

A badge needs no font, style or picture of another file. Its own dark ground makes it legible on
light and on dark pages. The bytes depend on the series alone.
"""

import html
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from hf_assets.charts.numbers import exact, human
from hf_assets.charts.wording import DPI, clean, text_width
from hf_assets.trends.figures.day.snapshot import number_of
from hf_assets.trends.figures.history.history import History, last_trusted_day, ordinals, series
from hf_assets.trends.report.sparks import spark_points
from hf_assets.trends.series.schemas import MODEL_HISTORY, MODEL_PHASES

FOLDER = "badge"
MOST = 1000
_SPARK_DAYS, _SPARK_WIDTH = 56, 54  # days of the small line, and its px
_HEIGHT, _PAD, _FONT = 20, 7, 11  # px
_LABEL, _GROUND, _VALUE = "downloads, 30 days", "#3D4450", "#2559B8"
# As the Hub allows ids: such a path stays in the folder, and no part of it is hidden.
_REPO_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,199})?")
# A JSON file of such a name says something else about a folder of the lake.
_RESERVED = frozenset({"folder", "figures", "months", "capture"})


def badges(history: History, withheld: Collection[str] = ()) -> dict[str, bytes]:
    """`badge/<id>.svg` and `badge/<id>.json` by name, for the first thousand by downloads.

    They are of the newest trusted day. A model whose id is no path has none.

    Args:
        history: the series.
        withheld: ids and identities of repositories that nobody else may see.
    """
    models = history.frames[MODEL_HISTORY.name]
    day = last_trusted_day(models)
    if day is None:
        return {}
    first = pl.col("day") > day - pl.duration(days=_SPARK_DAYS)
    past = models.filter(first, pl.col("day") <= day, _is_public(withheld)).collect()
    today = past.filter(pl.col("day") == day, pl.col("rank").is_between(1, MOST))
    today = today.sort("rank", "hub_id").unique("hub_id", keep="first", maintain_order=True)
    mine = pl.col("hub_id").is_in(today["hub_id"].implode())
    past = past.filter(mine)
    phases = history.frames[MODEL_PHASES.name].filter(mine).select("hub_id", "phase").collect()
    phase_of = dict(phases.iter_rows())
    days, levels = ordinals(past), series(past, "hub_id", "downloads", ordinals(past))
    files: dict[str, bytes] = {}
    for row, name in _named(today.to_dicts()):
        spark = spark_points(days, levels[row["hub_id"]], _SPARK_WIDTH, _HEIGHT - 6)
        files[f"{name}.svg"] = _svg(row, spark).encode()
        files[f"{name}.json"] = _json(row, phase_of.get(row["hub_id"])).encode()
    return files


def _is_public(withheld: Collection[str]) -> pl.Expr:
    names = pl.Series(list(withheld), dtype=pl.String).implode()
    listed = pl.col("hub_id").is_in(names) | pl.col("id").is_in(names)
    return listed.fill_null(value=False).not_()


def _named(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    """Each row with the path of its badge; of paths that some file systems take for one, the first.

    A folder may have the name of another model's file.
    """
    taken: set[str] = set()
    for row in rows:
        id, level = row["id"] or "", number_of(row["downloads"])
        name = f"{FOLDER}/{id}"
        folder, _, last = name.lower().rpartition("/")
        wanted = {f"{name.lower()}.svg", f"{name.lower()}.json"}
        if level is None or not _REPO_ID.fullmatch(id) or last in _RESERVED:
            continue
        if taken & {*wanted, folder, *(f"{path}/" for path in wanted)}:
            continue
        taken |= {*wanted, f"{folder}/"}
        yield row, name


def _json(row: Mapping[str, Any], phase: str | None) -> str:
    """What the badge shows, and a little more: whole numbers, growths as parts of one."""
    counted = {
        name: None if (value := number_of(row[name])) is None else round(value)
        for name in ("downloads", "downloads_all_time", "likes")
    }
    grown = {
        name: None if (value := number_of(row[name])) is None else round(value, 4)
        for name in ("growth_7", "growth_28")
    }
    about = {"id": row["id"], "day": f"{row['day']}", "rank": row["rank"], **counted, **grown}
    return json.dumps(about | {"phase": phase, "category": row["category"]}) + "\n"


def _svg(row: Mapping[str, Any], spark: Sequence[str]) -> str:
    """The badge: the downloads of 30 days, the small line, the rank."""
    level, rank = human(row["downloads"]), f"#{row['rank']}"
    said = f"{clean(row['id'])}: {exact(row['downloads'])} downloads in the last 30 days, "
    said = html.escape(f"{said}rank {row['rank']} of all models, on {row['day']}")
    label = round(_width(_LABEL)) + 2 * _PAD
    line = label + _PAD + round(_width(level)) + _PAD
    at_rank = line + _SPARK_WIDTH + _PAD
    width = at_rank + round(_width(rank)) + _PAD
    lines = "".join(f'<polyline points="{points}"/>' for points in spark)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" '
        f'viewBox="0 0 {width} {_HEIGHT}" role="img" aria-label="{said}"><title>{said}</title>'
        f'<rect width="{width}" height="{_HEIGHT}" rx="3" fill="{_VALUE}"/>'
        f'<path d="M3 0h{label - 3}v{_HEIGHT}H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="{_GROUND}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" '
        f'font-size="{_FONT}">{_text(_LABEL, _PAD)}{_text(level, label + _PAD)}'
        f"{_text(rank, at_rank)}</g>"
        f'<g transform="translate({line} 3)" fill="none" stroke="#fff" stroke-width="1.2" '
        f'stroke-linejoin="round" stroke-linecap="round">{lines}</g></svg>\n'
    )


def _text(words: str, x: int) -> str:
    # Whatever font a reader has, it takes the room that the badge has for it.
    return f'<text x="{x}" y="14" textLength="{round(_width(words))}">{html.escape(words)}</text>'


def _width(words: str) -> float:
    return text_width(words, _FONT * 72 / DPI)
