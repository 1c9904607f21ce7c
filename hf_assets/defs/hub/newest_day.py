"""The check on the newest trusted day, in runs and between them."""

from datetime import UTC, date, datetime

import dagster as dg

from hf_assets.alarms.alarm import Alarm
from hf_assets.alarms.outbox import Outbox
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.resources import LakeResource
from hf_assets.defs.hub.night import captures_since, next_attempt
from hf_assets.hub import newest_day
from hf_assets.hub.capture_store.store import ESSENTIAL
from hf_assets.hub.quality import rules
from hf_assets.object_store.errors import StoreError
from hf_assets.rule_result import RuleResult
from hf_assets.settings import settings
from hf_assets.storage.lake import MissingDay, iso
from hf_assets.ui_words import label

CHECK = dg.AssetCheckKey(dg.AssetKey("day_quality"), "newest_day_is_current")
ABOUT = (
    "The newest trusted day is today, or yesterday before the hour HF_ASSETS_NEWEST_DAY_DUE. "
    "Expects nothing while daily_capture is off."
)
# Metadata of a result that no lake was read for.
UNREADABLE = "lake_without_answer"


@dg.asset_check(asset=CHECK.asset_key, name=CHECK.name, description=ABOUT)
def newest_day_is_current(
    context: dg.AssetCheckExecutionContext, lake: LakeResource
) -> dg.AssetCheckResult:
    """The rule at the time of the run."""
    with clear_failures():
        result = _result(context.instance, lake, datetime.now(UTC))
    return dg.AssetCheckResult(
        passed=result.passed,
        description=result.description,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={label(name): value for name, value in result.metadata.items()},
    )


@dg.sensor(
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Evaluates the check newest_day_is_current between runs, and has an alarm sent, "
    "once a day, where it fails. Asks nobody but the store of a lake that is on one.",
)
def watch_newest_day(
    context: dg.SensorEvaluationContext, lake: LakeResource
) -> dg.SensorResult | dg.SkipReason:
    """An evaluation for the UI where the result changed, and an alarm where it fails."""
    now = datetime.now(UTC)
    result = _result(context.instance, lake, now)
    if not result.passed and settings().alarm:
        following = (
            "Nothing before the store answers."
            if UNREADABLE in result.metadata
            else next_attempt(context.instance, lake, now).reason
        )
        Outbox.of(lake.tree.root).add(_alarm(result, now, following))
    if (result.passed, result.description) == _last(context.instance):
        return dg.SkipReason(result.description)
    evaluation = dg.AssetCheckEvaluation(
        asset_key=CHECK.asset_key,
        check_name=CHECK.name,
        passed=result.passed,
        description=result.description,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={label(name): value for name, value in result.metadata.items()},
    )
    return dg.SensorResult(asset_events=[evaluation], skip_reason=result.description)


def _result(instance: dg.DagsterInstance, lake: LakeResource, now: datetime) -> RuleResult:
    expected = newest_day.expected_day(now, settings().newest_day_due, captures_since(instance))
    try:
        return _read(lake, expected)
    except StoreError as error:
        # Nobody would look at a sensor that fails; and an alarm is due when a day is.
        text = f"The newest day is unknown, as the lake cannot be read: {error}"
        facts = {"expected_day": f"{expected or 'none'}", UNREADABLE: f"{lake.tree.root}"}
        return RuleResult(expected is None, text, facts)


def _read(lake: LakeResource, expected: date | None) -> RuleResult:
    try:
        quality = lake.tree.read("day_quality", None).frame.collect()
    except MissingDay:
        quality = None
    return newest_day.newest_day_is_current(quality, expected, lambda: _captured(lake))


def _captured(lake: LakeResource) -> date | None:
    """The newest day with usable captures of models and Spaces."""
    usable = [rules.usable_days(lake.stores[asset].captures()) for asset in ESSENTIAL]
    return max(map(iso, set.intersection(*usable)), default=None)


def _last(instance: dg.DagsterInstance) -> tuple[bool, str | None] | None:
    """Result and description of the check's newest evaluation."""
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key([CHECK]).get(CHECK)
    event = record.event.dagster_event if record and record.event else None
    evaluation = event.event_specific_data if event else None
    if not isinstance(evaluation, dg.AssetCheckEvaluation):
        return None
    return evaluation.passed, evaluation.description


def _alarm(result: RuleResult, now: datetime, following: str) -> Alarm:
    address = settings().ui
    # A day that is missing still has an alarm of its own when the store answers again.
    unknown = " unknown" if UNREADABLE in result.metadata else ""
    return Alarm.of(
        f"newest day {result.metadata['expected_day']}{unknown}",
        "the newest day is missing or not trusted",
        time=now,
        day=str(result.metadata["expected_day"]),
        where="check newest_day_is_current of day_quality",
        error=result.description,
        next=following,
        link=f"{address.rstrip('/')}/assets/day_quality?view=checks" if address else "",
        urgent=True,
    )
