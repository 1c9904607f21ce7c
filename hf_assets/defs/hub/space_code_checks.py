"""Checks of the code of Spaces: each hands a day to a rule of `hub.space_code`."""

from collections.abc import Callable

import dagster as dg

from hf_assets.defs.common.check_factory import check
from hf_assets.hub.space_code import rules
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable


@dg.definitions
def space_code_checks() -> dg.Definitions:
    """The parts add up, no null is without its reason, and most Spaces are known."""

    def of_table(rule: Callable[[StoredTable], RuleResult]):
        return lambda lake, day: rule(lake.tree.read("space_code", day))

    return dg.Definitions(
        asset_checks=[
            check(
                "space_code",
                "code_adds_up",
                of_table(rules.code_adds_up),
                "Languages add up to the code, and code and other kinds to all files and bytes.",
            ),
            check(
                "space_code",
                "reasons_known",
                of_table(rules.reasons_known),
                "Unknown files, bytes or packages have one of the documented reasons.",
            ),
            check(
                "space_code",
                "spaces_answered",
                of_table(rules.spaces_answered),
                "The files of at least 9 in 10 Spaces that use the chosen models are known.",
            ),
        ]
    )
