"""Made-up series with the marks of real ones: drifting shares, models that rise and fall, bad days.

Not the graph's own output: what figures are drawn from, under the same schemas.
"""

import datetime as dt
import math
from typing import Any

import numpy as np
import polars as pl

from hf_assets.hub.quality.schemas import DAY_QUALITY
from hf_assets.storage.parquet import Table
from hf_assets.trends.figures.history.history import History
from hf_assets.trends.series import schemas
from hf_assets_tests.support.trends.uses import used_by

LAST = dt.date(2026, 11, 25)
CATEGORIES = (
    "text-generation", "sentence-similarity", "fill-mask", "image-classification",
    "automatic-speech-recognition", "image-text-to-text", "text-classification",
    "zero-shot-image-classification", "text-to-image", "feature-extraction", "text-to-speech",
    "translation", "summarization", "robotics", None,
)  # fmt: skip
LIBRARIES = ("transformers", "sentence-transformers", "timm", "diffusers", "gguf", "onnx", "peft",
             "mlx", "spacy", None)  # fmt: skip
GROUPS = ("permissive", "none", "restricted", "openrail", "copyleft")
SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", None)
TASKS = (
    *("text-generation", "question-answering", "text-classification", "image-classification"),
    *("automatic-speech-recognition", "translation", "summarization", "robotics", None),
)
GAP = 0.37
BAD = ((GAP, "gap"), (0.62, "partial"), (0.8, "stalled"))  # where in the series they lie


def _frame(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    full = [{name: row.get(name) for name in table.columns} for row in rows]
    return pl.DataFrame(full, schema=table.schema)


def _shares(rng: np.random.Generator, keys: int, days: int) -> np.ndarray:
    """Shares that drift, a row a key: they add up to 1 each day."""
    start = rng.zipf(1.6, keys).clip(1, 40).astype(float)
    start = np.sort(start)[::-1] + 0.5
    drift = rng.normal(0, 0.5, keys)[:, None] * np.linspace(0, 1, days)
    wobble = np.cumsum(rng.normal(0, 0.008, (keys, days)), axis=1)
    level = start[:, None] * np.exp(drift + wobble)
    return level / level.sum(axis=0)


def past(days: int = 60, seed: int = 0, models: int = 120, last: dt.date = LAST) -> History:
    """`days` days up to `last`, with a gap, a partial day and a stall where there are ten or more.

    The first half are of hub-stats, the others captured.
    """
    rng = np.random.default_rng(seed)
    every = [last - dt.timedelta(days - 1 - i) for i in range(days)]
    bad = {int(days * at): name for at, name in BAD} if days >= 10 else {}
    if days > 12:
        bad[int(days * GAP) + 1] = "gap"
    there = [i for i in range(days) if bad.get(i) != "gap"]
    trusted = {i: i not in bad for i in range(days)}
    total = 3.1e9 * np.exp(np.cumsum(rng.normal(0.0016, 0.004, days)))
    count = np.linspace(1.9e6, 1.9e6 + 2100 * days, days)
    spaces = np.linspace(7e5, 7e5 + 900 * days, days)
    frames = {
        "category_history": _keyed(rng, schemas.CATEGORY_HISTORY, CATEGORIES, every, there, trusted,
                                   total, count),
        "library_history": _keyed(rng, schemas.LIBRARY_HISTORY, LIBRARIES, every, there, trusted,
                                  total, count),
        "license_history": _licenses(rng, every, there, trusted, total, count),
        "family_history": _families(rng, every, there, trusted, total, count),
        "concentration_history": _concentration(rng, every, there, trusted),
        "lifecycle": _lifecycle(rng, every, there, trusted, count),
        "space_usage_history": _usage(rng, every, there, trusted, spaces),
        "used_by_history": used_by(rng, every, there, trusted, count),
        "adoption_history": _adoption(days),
        "day_quality": _quality(rng, every, bad, total, count, spaces),
        "dataset_group_history": _datasets(np.random.default_rng(seed), every, there, trusted,
                                           total / 60, count / 3),
    }  # fmt: skip
    frames["category_history"] = _predicted(frames["category_history"], every[days // 3])
    frames["prediction_history"] = _answers(every, count)
    history, phases = _models(rng, every, there, trusted, models)
    frames |= {"model_history": history, "model_phases": phases}
    return History.of(frames)


def _keyed(
    rng: Any, table: Table, keys: Any, every: Any, there: Any, trusted: Any, total: Any, count: Any
) -> pl.DataFrame:
    by_downloads, by_rows = (_shares(rng, len(keys), len(every)) for _ in range(2))
    rows = []
    for k, key in enumerate(keys):
        for n, i in enumerate(there):
            downloads = total[i] * by_downloads[k, i]
            rows.append({
                "day": every[i], "key": key, "rows": count[i] * by_rows[k, i],
                "downloads": downloads, "share_rows": by_rows[k, i],
                "share_downloads": by_downloads[k, i], "trusted": trusted[i],
                "daily_downloads": downloads / 30 * (1 + 0.12 * math.sin(i * 6.28 / 7)) if n else
                None,
            })  # fmt: skip
    return _frame(table, rows)


def _predicted(frame: pl.DataFrame, first: dt.date) -> pl.DataFrame:
    """Each category predicted for a part of the models without one, from that day on."""
    there = (pl.col("day") >= first) & pl.col("key").is_not_null()
    none = frame.filter(pl.col("key").is_null()).select(
        "day", *(pl.col(name).alias(f"none_{name}") for name in ("share_rows", "share_downloads"))
    )
    return frame.join(none, on="day", how="left", maintain_order="left").select(
        pl.when(there)
        .then(pl.col(name.removeprefix("predicted_")) * pl.col(name.replace("predicted", "none")))
        .cast(frame.schema[name])
        .alias(name)
        if name.startswith("predicted_share")
        else pl.col(name)
        for name in frame.columns
    )


def _answers(every: list[dt.date], count: Any) -> pl.DataFrame:
    rows = [
        {"day": day, "models": int(count[i]), "all_right": 96 * i, "all_wrong": 4 * i,
         "precision": 0.96, "low": 0.93, "high": 0.98, "version": "v"}
        for i, day in enumerate(every) if i
    ]  # fmt: skip
    return _frame(schemas.PREDICTION_HISTORY, rows)


def _licenses(
    rng: Any, every: Any, there: Any, trusted: Any, total: Any, count: Any
) -> pl.DataFrame:
    groups = _keyed(rng, schemas.CATEGORY_HISTORY, GROUPS, every, there, trusted, total, count)
    rows = [row | {"of": "group"} for row in groups.to_dicts()]
    for i in there:
        n = count[i] * 0.2
        looser, stricter = (0.05 + 0.0004 * i, 0.03 - 0.0001 * i)
        parts = {"looser": looser, "stricter": stricter, "same": 1 - looser - stricter,
                 "unknown": 0.3}  # fmt: skip
        rows += [
            {"day": every[i], "of": "against_base", "key": key, "rows": n * part,
             "downloads": n * part * 900 * (1.4 if key == "stricter" else 1),
             "trusted": trusted[i]}
            for key, part in parts.items()
        ]  # fmt: skip
    return _frame(schemas.LICENSE_HISTORY, rows)


def _datasets(
    rng: Any, every: Any, there: Any, trusted: Any, total: Any, count: Any
) -> pl.DataFrame:
    table = schemas.DATASET_GROUP_HISTORY
    sizes = _keyed(rng, table, SIZES, every, there, trusted, total, count)
    tasks = _keyed(rng, table, TASKS, every, there, trusted, total, count)
    return pl.concat([sizes.with_columns(of=pl.lit("size")), tasks.with_columns(of=pl.lit("task"))])


FAMILIES = (
    "organisation-1/Base-8B", "organisation-2/Base-70B-Instruct", "gone/Base-1B",
    *(f"organisation-{n}/Model-{n}-with-a-rather-long-name-13B" for n in range(3, 19)),
)  # fmt: skip
_RELATIONS = ("root", "finetune", "quantized", "adapter", "merge", "unknown")


def _families(
    rng: Any, every: Any, there: Any, trusted: Any, total: Any, count: Any
) -> pl.DataFrame:
    rows = []
    for of, keys in (("relation", (*_RELATIONS, None)), ("format", ("safetensors", "gguf", None)),
                     ("parameters", ("<1B", "1-10B", "10-35B", "35-100B", "100B+", None)),
                     ("license_root", ("looser", "same", "stricter", "unknown"))):  # fmt: skip
        keyed = _keyed(rng, schemas.CATEGORY_HISTORY, keys, every, there, trusted, total, count)
        rows += [row | {"of": of} for row in keyed.to_dicts()]
    for n, root in enumerate(FAMILIES):
        for i in there:
            level = total[i] * 0.09 / (n + 1)
            parts = level * np.array((0.4, 0.25, 0.2, 0.1, 0.04, 0.01))
            one = {"day": every[i], "trusted": trusted[i]}
            rows.append(
                one
                | {
                    "of": "family",
                    "key": root,
                    "rows": 9000.0 / (n + 1),
                    "downloads": level,
                    "share_downloads": level / total[i],
                }
            )
            rows += [
                one | {"of": "family_relation", "key": f"{name}/{root}", "downloads": part}
                for name, part in zip(_RELATIONS, parts, strict=True)
            ]  # fmt: skip
    return _frame(schemas.FAMILY_HISTORY, rows)


def _concentration(rng: Any, every: Any, there: Any, trusted: Any) -> pl.DataFrame:
    rows = []
    for of, base in (("models", 0.052), ("authors", 0.11)):
        walk = np.cumsum(rng.normal(0, 0.0006, len(every)))
        for i in there:
            one = base + walk[i]
            rows.append({
                "day": every[i], "of": of, "gini": 0.972 + walk[i] / 4, "hhi": 120.0,
                "effective_number": 10_000 / (120 + 900 * walk[i]), "top_1": one,
                "top_10": min(one * 4.4, 1), "top_100": min(0.61 + walk[i], 1),
                "top_1000": 0.86 + walk[i] / 2, "trusted": trusted[i],
            })  # fmt: skip
    return _frame(schemas.CONCENTRATION_HISTORY, rows)


def _lifecycle(rng: Any, every: Any, there: Any, trusted: Any, count: Any) -> pl.DataFrame:
    rows = []
    for before, i in zip([None, *there[:-1]], there, strict=True):
        spanned = None if before is None else i - before + float(rng.normal(0, 0.02))
        created = None if spanned is None else int(rng.poisson(2300 * spanned))
        rows.append({
            "day": every[i], "before": None if before is None else every[before],
            "days_spanned": spanned, "models": int(count[i]), "created": created,
            "deleted": None if spanned is None else int(rng.poisson(210 * spanned)),
            "created_per_day": created / spanned if created is not None and spanned else None,
            "datasets_created_per_day": 900 + 40 * math.sin(i) if spanned else None,
            "datasets_trusted": trusted[i],
            "trusted": trusted[i],
        })  # fmt: skip
    return _frame(schemas.LIFECYCLE, rows)


def _usage(rng: Any, every: Any, there: Any, trusted: Any, spaces: Any) -> pl.DataFrame:
    rows = []
    for m in range(20):
        level = 9000 / (m + 1) ** 0.8
        walk = level * np.exp(np.cumsum(rng.normal(0.001, 0.002, len(every))))
        rows += [
            {"day": every[i], "of": "model", "key": f"organisation-{m}/model-{m}-large-v{m % 4}",
             "spaces": walk[i], "trusted": trusted[i]} for i in there
        ]  # fmt: skip
    for key, part in (("Spaces", 1.0), ("Spaces with models", 0.31), ("models used", 0.09)):
        rows += [{"day": every[i], "of": "total", "key": key, "spaces": spaces[i] * part,
                  "trusted": trusted[i]} for i in there]  # fmt: skip
    return _frame(schemas.SPACE_USAGE_HISTORY, rows)


def _adoption(days: int) -> pl.DataFrame:
    rows = []
    for number, hazard in zip(schemas.MILESTONES, (0.03, 0.008, 0.0018, 0.0004), strict=True):
        left, spread = 1.0, 0.0
        for age in range(1, min(max(days, 2), 400)):
            at_risk = int(4000 / (1 + age / 40))
            rate = hazard / (1 + age / 15)
            left *= 1 - rate
            spread += rate / (at_risk * max(1 - rate, 1e-9))
            half = 1.96 * left * math.sqrt(spread)
            rows.append({
                "milestone": number, "age": age, "at_risk": at_risk,
                "reached": round(at_risk * rate), "share": 1 - left,
                "low": max(1 - left - half, 0), "high": min(1 - left + half, 1),
            })  # fmt: skip
    return _frame(schemas.ADOPTION_HISTORY, rows)


def _quality(rng: Any, every: Any, bad: Any, total: Any, count: Any, spaces: Any) -> pl.DataFrame:
    rows = []
    for i, day in enumerate(every):
        flag = bad.get(i)
        gap, captured = flag == "gap", i >= len(every) // 2
        cut = 0.27 if flag == "partial" else 1.0
        origin = "https://huggingface.co" if captured else f"{rng.integers(1e9):x}"
        rows.append({
            "day": day, "gap": gap, "partial": flag == "partial", "stalled": flag == "stalled",
            "rolled_back": False, "short": i % 29 == 17, "trusted": flag is None,
            "source": None if gap else "captured" if captured else "hub-stats",
            "origin": None if gap else origin, "flags": [flag] if flag else [],
            "models": None if gap else int(count[i] * cut),
            "spaces": None if gap else int(spaces[i]),
            "downloads": None if gap else int(total[i - 1 if flag == "stalled" else i] * cut),
            "unchanged_share": 1.0 if flag == "stalled" else 0.02,
            "hours": None if gap or not i else 24.0,
            "datasets": None if gap else int(count[i] / 3), "datasets_trusted": flag is None,
        })  # fmt: skip
    return _frame(DAY_QUALITY, rows)


SHAPES = ("rising", "peak", "falling", "plateau", "new")


def _shape(name: str, t: np.ndarray, rng: Any) -> np.ndarray:
    noise = np.exp(np.cumsum(rng.normal(0, 0.01, len(t))))
    steps = {
        "rising": 0.2 + 1.6 * t**2,
        "peak": np.exp(-(((t - 0.97) / 0.3) ** 2)) + 0.05,
        "falling": np.exp(-(((t - 0.35) / 0.28) ** 2)) + 0.12,
        "plateau": 0.55 + 0.5 * np.exp(-(((t - 0.2) / 0.1) ** 2)),
        "new": np.clip((t - 0.55) / 0.45, 0, 1) ** 0.6,
    }
    return steps[name] * noise


def _models(
    rng: Any, every: Any, there: Any, trusted: Any, models: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    t = np.linspace(0, 1, len(every))
    level = {}
    for m in range(models):
        size = 2.2e8 / (m + 1) ** 0.9
        level[m] = size * _shape(SHAPES[m % 5 if m else 3], t, rng)
    table = np.array([level[m] for m in range(models)])
    rank = (-table).argsort(axis=0).argsort(axis=0) + 1
    first = {m: int(0.55 * len(every)) if m and m % 5 == 4 else 0 for m in range(models)}
    rows, phases = [], []
    for m in range(models):
        created = every[first[m]] if first[m] else dt.date(2024, 1, 1) + dt.timedelta(m)
        name = f"organisation-{m % 31}/Model-{m}-{SHAPES[m % 5].title()}-8B-Instruct"
        seen = [i for i in there if i >= first[m]]
        category = CATEGORIES[m % 11]
        for i in seen:
            week = table[m, i - 7] if i >= first[m] + 7 else None
            rows.append({
                "day": every[i], "hub_id": f"{m:024x}", "id": name, "category": category,
                "created": created, "downloads": table[m, i],
                "rank": int(rank[m, i]) if trusted[i] else None,
                "downloads_all_time": float(table[m, : i + 1].sum() / 30), "likes": 100.0 + m,
                "growth_7": table[m, i] / week - 1 if week else None, "trusted": trusted[i],
            })  # fmt: skip
        top = int(table[m].argmax())
        phases.append({
            "hub_id": f"{m:024x}", "id": name, "category": category, "created": created,
            "first_day": every[seen[0]], "last_day": every[seen[-1]], "days": len(seen),
            "phase": SHAPES[m % 5 if m else 3], "peak_day": every[top], "peak": table[m, top],
            "latest": table[m, seen[-1]],
        })  # fmt: skip
    return _frame(schemas.MODEL_HISTORY, rows), _frame(schemas.MODEL_PHASES, phases)
