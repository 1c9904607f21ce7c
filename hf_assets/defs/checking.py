"""How a rule becomes an asset check. Not here: any rule, or any asset.

A run over many partitions gives one evaluation a check, which names those that fail.
"""

from collections.abc import Callable

import dagster as dg

from hf_assets.defs.partitions import daily
from hf_assets.defs.resources import LakeResource, clear_failures
from hf_assets.verdict import Verdict

Rule = Callable[[LakeResource, str], Verdict]


def check(
    asset: str | list[str],
    name: str,
    rule: Rule,
    about: str,
    *,
    blocking: bool = False,
    partitions: dg.PartitionsDefinition | None = daily,
) -> dg.AssetChecksDefinition:
    """A check of one asset, a partition at a time.

    Args:
        asset: the key.
        name: of the check.
        rule: gives the verdict on one partition; on "", where the asset has none.
        about: its description in the UI, a sentence.
        blocking: stops what would be made of a bad partition.
        partitions: those of the asset, or None.
    """

    @dg.asset_check(
        asset=dg.AssetKey(asset),
        name=name,
        description=about,
        blocking=blocking,
        partitions_def=partitions,
    )
    def run(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
        keys = context.op_execution_context.partition_keys if partitions else [""]
        with clear_failures():
            return _result({key: rule(lake, key) for key in keys})

    return run


def _result(verdicts: dict[str, Verdict]) -> dg.AssetCheckResult:
    failed = {key: verdict for key, verdict in verdicts.items() if not verdict.passed}
    shown = failed or verdicts
    only = next(iter(verdicts.values())) if len(verdicts) == 1 else None
    lines = [f"{key}: {verdict.says}" for key, verdict in shown.items()]
    severe = any(not verdict.warn for verdict in failed.values())
    return dg.AssetCheckResult(
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        description=only.says if only else f"{len(failed)} of {len(verdicts)} days fail",
        metadata=dict(only.figures)
        if only
        else {"days": len(verdicts), "failed": len(failed), "said": "\n".join(lines[:100])},
    )
