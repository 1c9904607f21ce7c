"""Days for figures: a usual one, and ones with nothing, nulls, zeros or hostile names."""

import datetime
from collections.abc import Callable
from typing import Any

import polars as pl

from hf_assets.trends.figures.day.snapshot import Snapshot
from hf_assets_tests.support.trends.uses import day_rows

METRICS = {
    "dimension": pl.String, "key": pl.String, "rank": pl.Int32, "rows": pl.Int64,
    "downloads": pl.Int64, "downloads_all_time": pl.Int64, "likes": pl.Int64,
    "trending_score": pl.Float64, "share_rows": pl.Float32, "share_downloads": pl.Float32,
    "share_likes": pl.Float32, "value": pl.Float64,
}  # fmt: skip
USAGE = {
    "id": pl.String, "spaces": pl.Int64, "authors": pl.Int64, "likes": pl.Int64,
    "category": pl.String, "known": pl.Boolean, "chosen_tags": pl.List(pl.String),
}  # fmt: skip
HOSTILE = [
    "<script>alert(1)</script>", "$x^2$ \\frac{a}{b}", "a|b", "]()", "../../etc/passwd",
    "x" * 10_000, "W" * 300, "a\x00\x07b\nnew\r\nline", "\u202eevil\u202c", "😀🤗 模型",
    "שלום עולם", "Z\u0338\u0327algo" * 30, "", "   ", "ﷺ" * 40, "%s {0} {{x}} &amp;", "$",
    "\ufeff\u200b", "]]><!--", "\u2028",
]  # fmt: skip
Rows = list[dict[str, Any]]


def snapshot(rows: Rows, usage: Rows | None = None, **rest: Any) -> Snapshot:
    defaults: dict[str, Any] = {
        "day": datetime.date(2025, 12, 1), "source": "huggingface.co", "models": 1000,
        "spaces": 5000,
    }  # fmt: skip
    return Snapshot(
        metrics=pl.DataFrame([{k: row.get(k) for k in METRICS} for row in rows], METRICS),
        usage=pl.DataFrame([{k: row.get(k) for k in USAGE} for row in usage or []], USAGE),
        **(defaults | rest),
    )


def row(dimension: str, key: str | None, n: int, **more: Any) -> dict[str, Any]:
    counts = {"rows": n, "downloads": n * 1000, "likes": n * 7, "trending_score": n * 1.5}
    return {"dimension": dimension, "key": key, **counts, **more}


def normal(categories: int = 48) -> Rows:
    found = [
        row(dimension, f"{dimension}-of-some-length-{i}", 900 // (i + 1) ** 2 + 1)
        for dimension in ("category", "library", "license", "model", "author")
        for i in range(categories)
    ]
    found += [row(dimension, None, 206) for dimension in ("category", "library", "license")]
    found += [
        row(dimension, f"{dimension}-of-some-length-{i}", 700 // (i + 1) + 1)
        for dimension in ("dataset_task", "dataset_language", "dataset")
        for i in range(categories)
    ]
    found += [row(dimension, None, 91) for dimension in ("dataset_task", "dataset_size")]
    sizes = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "n>1T")
    found += [row("dataset_size", key, 800 // (i + 1)) for i, key in enumerate(sizes)]
    found += [row("dataset_total", "datasets", 2100, downloads=9_000_000)]
    years = {"2022-03-02 (floor)": 55, "2022": 27, "2023": 86, "2024": 208, "2025": 624}
    found += [row("year", key, n) for key, n in years.items()]
    found += [
        {"dimension": "correlation", "key": f"{method}/{one}/{two}", "value": value}
        for method in ("pearson", "spearman")
        for one, two, value in (
            ("likes", "downloads", 0.18), ("likes", "trending_score", None),
            ("trending_score", "downloads", -0.93),
        )
    ]  # fmt: skip
    found += [
        {"dimension": "concentration", "key": f"downloads/{key}", "value": value}
        for key, value in {"gini": 0.93, "hhi": 700, "top_1": 0.17, "top_10": 0.52, "top_100": 0.9,
                           "top_1000": 1.0}.items()
    ]  # fmt: skip
    found += [row("models_per_space", str(n), 4000 // 3**n + 1) for n in range(8)]
    found += [row("models_per_space", "512", 1)]
    tags = ("text-classification", "text-generation")
    found += [row("usage_tag", tag, 912 + i, value=837.0) for i, tag in enumerate(tags)]
    found += [row("usage_category", tag, 912 + i, value=837.0) for i, tag in enumerate(tags)]
    return found + day_rows(categories)


def chosen(models: int = 25) -> Rows:
    return [
        {"id": f"organisation-{i}/model-with-a-long-name-{i}-instruct", "spaces": 1200 // (i + 1),
         "authors": 1, "likes": 3, "category": "text-generation", "known": True,
         "chosen_tags": ["text-generation", "text-classification"][: 1 + i % 2]}
        for i in range(models)
    ]  # fmt: skip


def hostile() -> Snapshot:
    rows = [
        row(dimension, key, 100 - i, value=11.0)
        for dimension in (
            "category", "library", "license", "author", "model", "year", "correlation",
            "concentration", "models_per_space", "usage_category", "usage_tag",
            "training_data", "training_data_category", "used_dataset", "used_paper",
            "dataset", "dataset_task", "dataset_language", "dataset_size", "dataset_total",
        )
        for i, key in enumerate([*HOSTILE, None])
    ]  # fmt: skip
    for key, value in (
        ("pearson/likes/downloads", float("nan")), ("spearman/likes/downloads", float("inf")),
        ("pearson/downloads/trending_score", -1.0000002), ("a/b/c/d", 1.0), ("//", 1.0),
    ):  # fmt: skip
        rows.append({"dimension": "correlation", "key": key, "value": value})
    usage = [
        {"id": key, "spaces": 50 - i, "category": HOSTILE[i % 5], "chosen_tags": HOSTILE[: i % 9]}
        for i, key in enumerate(HOSTILE)
    ]
    return snapshot(rows, usage, source="<b>$x$</b>\u202e\n" + "evil" * 900)


def changed(old: Rows, /, **columns: Callable[[dict[str, Any]], Any]) -> Rows:
    return [one | {name: make(one) for name, make in columns.items()} for one in old]


def nothing(_: object) -> None:
    return None


def times(name: str, factor: int) -> Callable[[dict[str, Any]], Any]:
    return lambda old: None if old.get(name) is None else int(old[name] * factor)


COUNTED = ("rows", "downloads", "likes", "trending_score")
SNAPSHOTS: dict[str, Callable[[], Snapshot]] = {
    "normal": lambda: snapshot(normal(), chosen()),
    "one": lambda: snapshot(normal(1), chosen(1), models=1, spaces=1),
    "twenty_one": lambda: snapshot(normal(21), chosen(21)),
    "empty": lambda: snapshot([], models=0, spaces=0),
    "no_columns": lambda: Snapshot(
        datetime.date(2025, 1, 1), "", 0, 0, pl.DataFrame(), pl.DataFrame()
    ),
    "nulls": lambda: snapshot(
        changed(normal(), **dict.fromkeys([*COUNTED, "value"], nothing)),
        changed(chosen(), spaces=nothing, category=nothing),
    ),
    "null_types": lambda: Snapshot(
        datetime.date(2025, 1, 1), "x", 9, 9,
        snapshot(normal()).metrics.with_columns(
            pl.lit(None).alias(name) for name in [*COUNTED, "value"]
        ),
        snapshot([], chosen()).usage,
    ),
    "zeros": lambda: snapshot(
        changed(normal(), **dict.fromkeys([*COUNTED, "value"], lambda _: 0)),
        changed(chosen(), spaces=lambda _: 0),
    ),
    "negative": lambda: snapshot(changed(normal(), **{n: times(n, -1) for n in COUNTED}), chosen()),
    "huge": lambda: snapshot(
        changed(normal(), **{n: times(n, 10**12) for n in COUNTED}),
        changed(chosen(), spaces=times("spaces", 10**12)), models=10**15, spaces=10**15,
    ),
    "hostile": hostile,
}  # fmt: skip
