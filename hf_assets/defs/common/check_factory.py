"""Asset checks made of rules.

A run over many partitions makes one evaluation per check, which names the partitions that fail.
"""

from collections.abc import Callable
from functools import partial

import dagster as dg

from hf_assets.defs.common.events import deferred
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.partitions import daily
from hf_assets.defs.common.resources import LakeResource
from hf_assets.hub.capture_store.store import RAW
from hf_assets.object_store.at_once import side_by_side
from hf_assets.rule_result import RuleResult
from hf_assets.settings import settings
from hf_assets.ui_words import label

Rule = Callable[[LakeResource, str], RuleResult]
# For a rule that reads many days at once: reading all of them for each day would be slow.
Rules = Callable[[LakeResource, list[str]], dict[str, RuleResult]]


def check(
    asset: str | list[str],
    name: str,
    rule: Rule | None,
    about: str,
    *,
    blocking: bool = False,
    partitions: dg.PartitionsDefinition | None = daily,
    rules: Rules | None = None,
) -> dg.AssetChecksDefinition:
    """A check of one asset, one partition at a time.

    In a run that skips missing days, it checks the days that are stored.

    Args:
        asset: the key.
        name: of the check.
        rule: returns the result for one partition; for "" where the asset has no partitions.
        about: the description in the UI, a sentence.
        blocking: stops downstream assets of a bad partition.
        partitions: the asset's, or None.
        rules: in place of `rule`, returns the results for many partitions.
    """

    @dg.asset_check(
        asset=dg.AssetKey(asset),
        name=name,
        description=about,
        blocking=blocking,
        partitions_def=partitions,
    )
    def run(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
        keys = list(context.op_execution_context.partition_keys) if partitions else [""]
        skips_missing = partitions is daily and deferred(context)
        if skips_missing:
            keys = lake.there(asset if isinstance(asset, str) else asset[-1], keys)
        with clear_failures():
            results = rules(lake, keys) if rules else {}
            if rule:
                at_once = settings().days_at_once if partitions is daily else 1
                found = side_by_side(partial(rule, lake), keys, at_once)
                results |= dict(zip(keys, found, strict=True))
            # Downstream assets skip a bad capture; it must not stop the other days.
            return _result(results, lenient=skips_missing and asset in RAW)

    return run


def _result(results: dict[str, RuleResult], *, lenient: bool) -> dg.AssetCheckResult:
    failed = {key: result for key, result in results.items() if not result.passed}
    shown = failed or results
    only = next(iter(results.values())) if len(results) == 1 else None
    lines = [f"{key}: {result.description}" for key, result in shown.items()]
    severe = not lenient and any(result.severity == "ERROR" for result in failed.values())
    return dg.AssetCheckResult(
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        description=only.description if only else f"{len(failed)} of {len(results)} days fail",
        metadata={label(name): value for name, value in only.metadata.items()}
        if only
        else {"days": len(results), "failed": len(failed), "results": "\n".join(lines[:100])},
    )
