"""When assets without days ask to be made by themselves: after a change of their inputs.

Dagster's `eager()` asks for nothing as long as any day of a parent is missing, for ever. The
conditions here lack that clause, and the request for whatever is missing: the first tick on an
empty lake must start nothing. A change asks for one run. A run that fails is asked for again by the
next change only: a condition that looks at failures starts runs without end.
"""

import dagster as dg
from dagster._core.definitions.declarative_automation.operators import DepsAutomationCondition

_C = dg.AutomationCondition


def after_changes(*parents: str | list[str]) -> dg.AutomationCondition:
    """Asks once after inputs changed and no run that makes one of them is left.

    A run that makes inputs and asset together, such as the nightly one, asks for nothing more.

    Args:
        parents: keys of the inputs whose changes count, and whose blocking checks must have passed;
            all inputs by default, for series, whose inputs have no such checks.
    """
    return _once_after(_C.any_deps_updated(), parents, "inputs changed")


def _once_after(
    changed: DepsAutomationCondition,
    parents: tuple[str | list[str], ...],
    label: str,
    *,
    again: bool = False,
) -> dg.AutomationCondition:
    """`again`: only for what was made before."""
    if parents:
        changed = changed.allow(dg.AssetSelection.assets(*parents))
    condition = changed.since_last_handled() & ~_C.any_deps_in_progress() & ~_C.in_progress()
    if parents:
        # Of those alone: a check of another input may never have run.
        passed = _C.all_deps_blocking_checks_passed()
        condition &= passed.allow(dg.AssetSelection.assets(*parents))
    if again:
        condition &= ~_C.missing()
    return condition.with_label(label)


def built_again(drift: list[str]) -> dg.AutomationCondition:
    """Asks once for a corpus that is old and whose texts have drifted.

    Both are checks of its drift, and the only ones there. While both keep failing, nothing more is
    asked for: a corpus that was built again has no drift until texts come.

    Args:
        drift: the key of the corpus's drift.
    """
    both = _C.asset_matches(drift, _C.all_checks_match(_C.check_failed()))
    condition = both.newly_true().since_last_handled() & ~_C.in_progress()
    return condition.with_label("old, and drifted")


def trained_again(parent: list[str]) -> dg.AutomationCondition:
    """Asks for what was trained before, once after its input changed; never for a first training.

    Args:
        parent: the key of the input.
    """
    # Not with the input, which `any_deps_updated` would have: a partition is a run of its own, and
    # would learn from the input as it was.
    updated = _C.any_deps_match(_C.newly_updated() & ~_C.executed_with_root_target())
    return _once_after(updated, (parent,), "trained before, input changed", again=True)


refresh_after_changes = dg.AutomationConditionSensorDefinition(
    "refresh_after_changes",
    target=dg.AssetSelection.all(),
    minimum_interval_seconds=60,
    description="Makes series, figures, report, baseline, leaderboard and tagger again after their "
    "inputs changed. Off by default: the schedules do the same every night.",
)
