"""Days of the code of Spaces, for figures and the report."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from hf_assets.hub.space_code.schemas import SPACE_CODE
from hf_assets.trends.figures.day.space_code import SpaceCode

Row = dict[str, Any]


def day_of(rows: list[Row], source: str = "huggingface.co") -> SpaceCode:
    names = [name for name in SPACE_CODE.columns if name != "day"]
    schema = {name: SPACE_CODE.schema[name] for name in names}
    frame = pl.DataFrame([{name: row.get(name) for name in names} for row in rows], schema=schema)
    return SpaceCode(dt.date(2026, 11, 20), source, frame)


def space(n_files: int, size: int, *tags: str, **fields: Any) -> Row:
    return {
        "tags": list(tags),
        "categories": list(tags),
        "n_files": n_files,
        "bytes": size + 1000,
        "bytes_code": size,
        "languages": [{"kind": "Python", "files": 1, "bytes": size}] if size else [],
        "packages": n_files % 9,
        **fields,
    }


def normal() -> list[Row]:
    draw = np.random.default_rng(3)
    rows = [
        space(int(files) + 2, int(size), tag)
        for tag, n in (("text-generation", 300), ("text-classification", 80))
        for files, size in zip(draw.lognormal(2, 1, n), draw.lognormal(9, 1.5, n), strict=True)
    ]
    return [*rows, *({"reason": "gone", "packages_reason": "files unknown"},) * 5]
