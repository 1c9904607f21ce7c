"""Listings as the Hub served them: one capture a day of each."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Literal, cast

import dagster as dg
from pydantic import Field

from hf_assets.defs.common.events import deferred, report_day, report_left_out, steps_of
from hf_assets.defs.common.failures import RETRIES, clear_failures, insistent_interrupts
from hf_assets.defs.common.metadata import capture_facts, shown
from hf_assets.defs.common.partitions import FIRST_DAY, daily, hub_runs
from hf_assets.defs.common.resources import PREVIEWED_DAYS, HubResource, LakeResource
from hf_assets.errors import clean
from hf_assets.hub.archive.base import Archive, ArchiveError
from hf_assets.hub.capture.capturer import NoCapture
from hf_assets.hub.capture.side_by_side import SideBySide
from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.store import ESSENTIAL
from hf_assets.hub.client.listing import FIELDS, ListingQuery
from hf_assets.hub.client.rows import Kind
from hf_assets.progress import ItemLog
from hf_assets.storage.lake import today

# The log names at most this many columns, whatever the number of days.
UNREAD_LINES = 20
# Characters of an archive's error in the log.
READABLE = 1000


class ListingConfig(dg.Config):
    """How much of a listing to fetch: everything by default, once a day."""

    max_rows: int | None = Field(
        default=None,
        description="Rows to fetch at most; null: all. A capture with fewer is marked as limited.",
    )
    filter: list[str] = Field(
        default_factory=list,
        description="Tags that every listed repository must have; empty: no filter. Such a capture "
        "is marked as limited.",
    )
    sort: Literal["createdAt", "lastModified", "likes", "trendingScore", "downloads"] = Field(
        default="createdAt",
        description="Order of the listing, highest or newest first. By creation no page moves "
        "while the listing is read.",
    )
    refetch: bool = Field(
        default=False, description="Fetch today again and replace its complete capture."
    )

    def query(self, kind: Kind) -> ListingQuery:
        """The query of the listing."""
        if self.max_rows is not None and self.max_rows < 1:
            raise dg.Failure("max_rows must be 1 or more", allow_retries=False)
        if kind == "spaces" and self.sort == "downloads":
            raise dg.Failure("Spaces have no downloads to sort by", allow_retries=False)
        return ListingQuery(kind, FIELDS[kind], self.sort, tuple(self.filter), self.max_rows)


raw = partial(
    dg.asset,
    group_name="hub/raw",
    owners=["team:hub"],
    kinds={"huggingface", "json"},
    partitions_def=daily,
    backfill_policy=hub_runs,
    io_manager_key="tables",
    retry_policy=RETRIES,
    # Steps that ask the Hub: its rate limit is per account, whatever the number of runs.
    pool="hub",
)


@raw()
def raw_models(
    context: dg.AssetExecutionContext, config: ListingConfig, lake: LakeResource, hub: HubResource
) -> dg.MaterializeResult:
    """Models as the Hub lists them: the unchanged pages of /api/models.

    Today is captured now; a run that died resumes at its next page. A past day is the capture of
    that day, or else the archive's copy of it.
    """
    return _captured(context, config.query("models"), config.refetch, lake, hub)


@raw()
def raw_spaces(
    context: dg.AssetExecutionContext, config: ListingConfig, lake: LakeResource, hub: HubResource
) -> dg.MaterializeResult:
    """Spaces as the Hub lists them: the unchanged pages of /api/spaces.

    They name the models and datasets that each Space uses. Today is captured now; a run that died
    resumes at its next page. A past day is the capture of that day, or else the archive's copy.
    """
    return _captured(context, config.query("spaces"), config.refetch, lake, hub)


@raw()
def raw_datasets(
    context: dg.AssetExecutionContext, config: ListingConfig, lake: LakeResource, hub: HubResource
) -> dg.MaterializeResult:
    """Datasets as the Hub lists them: the unchanged pages of /api/datasets.

    Today is captured now; a run that died resumes at its next page. A past day is the capture of
    that day, or else the archive's copy of it.
    """
    return _captured(context, config.query("datasets"), config.refetch, lake, hub)


def _captured(
    context: dg.AssetExecutionContext,
    query: ListingQuery,
    refetch: bool,
    lake: LakeResource,
    hub: HubResource,
) -> dg.MaterializeResult:
    asset, days, missing, absent = context.asset_key.path[-1], context.partition_keys, {}, {}
    unread: dict[tuple[str, str], list[str]] = {}
    brief = len(days) > PREVIEWED_DAYS
    archive, closed = _archive_for(days, hub)
    if closed:
        context.log.warning(f"Past days cannot be fetched: {clean(closed, READABLE)}")

    def get_or_capture(day: str) -> Capture | str:
        """The capture, or why there is none."""
        beside = _beside(context, hub) if day == today() else {}
        among = SideBySide() if beside else None
        capturer = hub.capturer(context, day, archive, among=among)
        own = partial(capturer.get_or_capture, lake.stores[asset], day, query, refetch=refetch)
        try:
            return _among(context, day, lake, hub, among, own, beside) if among else own()
        except NoCapture as error:
            return error.brief if deferred(context) else str(error)
        except ArchiveError as error:
            if not error.permanent and not _dispensable(context):
                raise
            return str(error)  # one broken file must not stop the other days

    stored, lines = {*lake.there(asset, days)}, ItemLog(context.log.info, len(days))
    # Today first: what an archive does wrong must not stop it.
    urgent_first = sorted(days, key=lambda day: day != today())
    with clear_failures(), insistent_interrupts():
        for day, found in _each(get_or_capture, urgent_first, archive.workers if archive else 1):
            what = "no capture" if isinstance(found, str) else f"{found.rows:,} rows"
            # Stored days, and days without a source, say nothing of the time of the others.
            lines.add(f"{asset} {day}: {what}", quick=day in stored or isinstance(found, str))
            if isinstance(found, str):
                missing[day] = found
            elif found.absent_kind and deferred(context):
                absent[day] = found.absent_kind
            else:
                for name, reason in found.unread.items():
                    unread.setdefault((name, reason), []).append(day)
                report_day(context, day, capture_facts(found, query.kind, brief=brief))
    if unread:
        context.log.warning(_unread(unread))
    if closed and any(day < today() for day in missing):
        with clear_failures():
            raise closed
    for remark in archive.remarks(FIRST_DAY) if archive else ():
        context.log.warning(remark)
    # A range without a single day of datasets is one of earlier versions.
    nothing = len(missing) == len(days) and asset in ESSENTIAL
    if missing and (nothing or not deferred(context)):
        # Dagster reports every partition of a plain run: it cannot leave a day out.
        raise dg.Failure("\n".join(missing.values()), allow_retries=False)
    report_left_out(context, asset, missing | absent)
    return dg.MaterializeResult()


def _dispensable(context: dg.AssetExecutionContext) -> bool:
    """Whether a range does without this listing where an archive gives no answer in the end.

    Tables of captured days must not wait for datasets that an archive may have of them.
    """
    last = context.retry_number >= RETRIES.max_retries
    return last and deferred(context) and context.asset_key.path[-1] not in ESSENTIAL


def _beside(context: dg.AssetExecutionContext, hub: HubResource) -> dict[str, ListingQuery]:
    """The other listings of today that this run is to capture and has not asked for, by asset."""
    hub.asked.add(context.asset_key.path[-1])
    steps = steps_of(context)
    config = cast("Mapping[str, Any]", context.run.run_config).get("ops", {})
    found = {}
    for kind in FIELDS:
        asset = f"raw_{kind}"
        if asset not in steps or asset in hub.asked:
            continue
        # What is to be fetched again, and a wrong config, are the business of its own step.
        with suppress(dg.Failure, dg.DagsterInvalidConfigError, ValueError):
            ask = ListingConfig(**(config.get(asset) or {}).get("config", {}))
            if not ask.refetch:
                found[asset] = ask.query(kind)
    hub.asked.update(found)
    return found


def _among(
    context: dg.AssetExecutionContext,
    day: str,
    lake: LakeResource,
    hub: HubResource,
    among: SideBySide,
    own: Callable[[], Capture],
    beside: Mapping[str, ListingQuery],
) -> Capture:
    """Today's capture, and beside it those of other listings: their steps find them stored.

    `day` is the partition: at midnight it is another day already, which nobody asked for.
    """
    context.log.info(f"{', '.join(beside)} captured at the same time, by the same pacer")

    def failed(asset: str, error: BaseException) -> None:
        said = clean(error, READABLE)
        context.log.warning(f"{asset} is left to its own step: {said}")

    others = {
        asset: partial(
            hub.capturer(context, day, asset=asset, among=among).get_or_capture,
            *(lake.stores[asset], day, query),
        )
        for asset, query in beside.items()
    }
    return among.run(own, others, failed)


def _archive_for(
    days: Sequence[str], hub: HubResource
) -> tuple[Archive | None, ArchiveError | None]:
    """The archive where there are past days, or why it cannot be opened: today does without it."""
    if all(day >= today() for day in days):
        return None, None
    try:
        return hub.past, None
    except ArchiveError as error:
        return None, error


def _unread(unread: Mapping[tuple[str, str], list[str]]) -> str:
    """A log line for each unread column, with the reason and its days.

    Args:
        unread: the days, by column and reason.
    """
    lines = [
        # Whoever wrote the file chose the name.
        f"`{shown(name)}` on {len(days):,} days, {days[0]} to {days[-1]}: {shown(reason)}"
        if len(days) > 1
        else f"`{shown(name)}` on {days[0]}: {shown(reason)}"
        for (name, reason), days in unread.items()
    ]
    more = [f"and {len(lines) - UNREAD_LINES:,} more"] if len(lines) > UNREAD_LINES else []
    said = "Unread columns that look like fields of the Hub"
    return "\n".join([f"{said}:", *lines[:UNREAD_LINES], *more])


def _each(
    get_or_capture: Callable[[str], Capture | str], days: Sequence[str], workers: int
) -> Iterator[tuple[str, Capture | str]]:
    """The capture of each day, in order; several at a time where the archive allows it.

    Today's capture may take an hour: it runs in this thread, which an interrupt reaches.
    """
    with ThreadPoolExecutor(workers) as pool:
        aside = [day for day in days if workers > 1 and day < today()]
        begun = {day: pool.submit(get_or_capture, day) for day in aside}
        try:
            for day in days:
                yield day, begun[day].result() if day in begun else get_or_capture(day)
        finally:
            pool.shutdown(cancel_futures=True)
