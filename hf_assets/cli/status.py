"""What a lake holds, in lines: read from the lake and `day_quality` alone, without Dagster."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import polars as pl

from hf_assets.hub.capture_store.store import ESSENTIAL, RAW, CaptureStore
from hf_assets.hub.client.wire import WORDS
from hf_assets.object_store.listing import Contents, contents_of, folder_names
from hf_assets.object_store.local import local_root
from hf_assets.object_store.path import LakePath
from hf_assets.runner.parts import lacking_tables
from hf_assets.storage.lake import Lake, MissingDay, iso, today

# A day of an asset without captures is complete with one of these: a table, or figures.
MARKERS = ("data.parquet", "figures.json")
# Days that a line names at most, the last.
NAMED = 5


def lines_of(root: LakePath) -> list[str]:
    """The whole report; empty where nothing is stored.

    On a store each table is listed once; the pages of captures are not listed at all.

    Args:
        root: of the lake.
    """
    lake = Lake(root)
    folders = folder_names(lake.root)
    contents = {name: _contents(lake, name) for name in folders if not name.startswith(".")}
    sizes = {name: found.bytes for name, found in contents.items()}
    days = {name: _days(lake, name) for name in sizes}
    undated = [name for name in sizes if not days[name] and _is_table(lake, name)]
    if not any(days.values()) and not undated:
        return []
    listed = [name for name in sizes if days[name]]
    other = [name for name in sizes if name not in listed and name not in undated]
    return [
        f"Lake: {lake.root}",
        "",
        f"{'table':<24}{'days':>6}  {'first':<12}{'last':<12}{'size':>10}",
        *(_row(name, days[name], sizes[name]) for name in listed),
        *(f"{name:<24}{'all':>6}  {'':<24}{size(sizes[name]):>10}" for name in undated),
        *(f"{name:<24}{'':>6}  {'':<24}{size(sizes[name]):>10}" for name in other),
        "",
        *_captures(lake),
        *_trust(lake),
        _use(lake, contents.values()),
    ]


def _contents(lake: Lake, asset: str) -> Contents:
    """Files of an asset and their size; of captures on a store what their manifests record."""
    if local_root(lake.root) or asset not in RAW:
        return contents_of(lake.root / asset)
    captures = CaptureStore(lake, asset).captures().values()
    stored = [one.manifest for one in captures if not one.pages_dropped]
    return Contents(sum(one.pages for one in stored), sum(one.bytes for one in stored))


def _use(lake: Lake, contents: Iterable[Contents]) -> str:
    if folder := local_root(lake.root):
        return f"Disk use: {size(contents_of(folder).bytes)}"
    count, total = map(sum, zip(*contents, strict=True))
    return (
        f"Stored: {count:,} objects, {size(total)}; of captures the pages that their manifests "
        "count, without attempts"
    )


def _days(lake: Lake, asset: str) -> list[str]:
    if asset in RAW:
        return CaptureStore(lake, asset).days()
    return sorted({day for marker in MARKERS for day in lake.days(asset, marker)})


def _is_table(lake: Lake, asset: str) -> bool:
    try:
        return (lake.root / asset / "data.parquet").exists() or bool(lake.months(asset))
    except ValueError:  # another's folder, such as lost+found
        return False


def _row(name: str, days: Sequence[str], count: int) -> str:
    return f"{name:<24}{len(days):>6,}  {days[0]:<12}{days[-1]:<12}{size(count):>10}"


def _captures(lake: Lake) -> list[str]:
    """The last capture, days without one, and captured days that lack a table."""
    stores = {asset: CaptureStore(lake, asset) for asset in RAW}
    captured = sorted(set.intersection(*({*stores[asset].days()} for asset in ESSENTIAL)))
    if not captured:
        return ["Last capture: none of both models and Spaces"]
    first, now = captured[0], today()
    span = (iso(now) - iso(first)).days
    due = [f"{iso(first) + timedelta(number)}" for number in range(span)]
    missing = sorted(set(due) - set(captured))
    without = sorted(set(captured) - {*stores["raw_datasets"].days()})
    bare = sorted(lacking_tables(lake, captured, stores["raw_models"]))
    return [
        f"Last capture: {captured[-1]}, {_counts(stores, captured[-1])}",
        f"Today, {now} (UTC): {'captured' if now in captured else 'not captured yet'}",
        f"Missing: {named(missing, f'of {len(due):,} days since {first}')}",
        f"Captured, without datasets: {named(without, 'days')}",
        f"Captured, without all tables: {named(bare, 'days')}",
    ]


def _counts(stores: Mapping[str, CaptureStore], day: str) -> str:
    captures = {asset: capture for asset in RAW if (capture := stores[asset].complete(day))}
    if not captures.keys() >= {*ESSENTIAL}:
        return "replaced meanwhile"
    rows = [f"{one.manifest.rows:,} {WORDS[one.manifest.query.kind]}" for one in captures.values()]
    finished = max(one.manifest.finished for one in captures.values())
    return f"{', '.join(rows[:-1])} and {rows[-1]}, finished {finished[:16].replace('T', ' ')} UTC"


def _trust(lake: Lake) -> list[str]:
    """Days that `day_quality` does not trust; gaps are missing days already."""
    try:
        stored = lake.read("day_quality", None)
    except MissingDay:
        return ["Not trusted: unknown, day_quality is not materialised"]
    rows = stored.frame.select("day", "gap", "trusted", "flags").filter(~pl.col("gap")).collect()
    bad = rows.filter(~pl.col("trusted")).sort("day")
    days = [f"{row['day']} ({', '.join(row['flags'])})" for row in bad.to_dicts()]
    return [f"Not trusted: {named(days, f'of {rows.height:,} days in day_quality')}"]


def named(items: Sequence[str], of: str) -> str:
    """How many there are, and the last few."""
    if not items:
        return "none"
    shown = ", ".join(items[-NAMED:])
    return f"{len(items):,} {of}: {'…, ' if len(items) > NAMED else ''}{shown}"


def size(count: float) -> str:
    """Bytes in a unit that suits them."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
