"""How a rule becomes an asset check. Not here: any rule, or any asset.

A run over many partitions gives one evaluation a check, which names those that fail.
"""

from collections.abc import Callable

import dagster as dg

from hf_assets.defs.common.events import deferred
from hf_assets.defs.common.failures import clear_failures
from hf_assets.defs.common.partitions import daily
from hf_assets.defs.common.resources import RAW, LakeResource
from hf_assets.rule_result import RuleResult
from hf_assets.ui_words import label

Rule = Callable[[LakeResource, str], RuleResult]
# For what looks at many days at once: a walk over all of them for each would be a long way.
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
    """A check of one asset, a partition at a time.

    In a run that leaves days out, it looks at those that are there.

    Args:
        asset: the key.
        name: of the check.
        rule: gives the verdict on one partition; on "", where the asset has none.
        about: its description in the UI, a sentence.
        blocking: stops what would be made of a bad partition.
        partitions: those of the asset, or None.
        rules: in place of `rule`, gives the verdicts on many partitions.
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
        leaves_out = partitions is daily and deferred(context)
        if leaves_out:
            keys = lake.there(asset if isinstance(asset, str) else asset[-1], keys)
        with clear_failures():
            verdicts = rules(lake, keys) if rules else {}
            verdicts |= {key: rule(lake, key) for key in keys} if rule else {}
            # One bad capture is left out of what follows, and stops none of the other days.
            return _result(verdicts, lenient=leaves_out and asset in RAW)

    return run


def _result(verdicts: dict[str, RuleResult], *, lenient: bool) -> dg.AssetCheckResult:
    failed = {key: verdict for key, verdict in verdicts.items() if not verdict.passed}
    shown = failed or verdicts
    only = next(iter(verdicts.values())) if len(verdicts) == 1 else None
    lines = [f"{key}: {verdict.description}" for key, verdict in shown.items()]
    severe = not lenient and any(verdict.severity == "ERROR" for verdict in failed.values())
    return dg.AssetCheckResult(
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        description=only.description if only else f"{len(failed)} of {len(verdicts)} days fail",
        metadata={label(name): value for name, value in only.metadata.items()}
        if only
        else {"days": len(verdicts), "failed": len(failed), "said": "\n".join(lines[:100])},
    )
