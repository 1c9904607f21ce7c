"""Checks of what uses what: each hands a day to a rule of `hub.uses`."""

from functools import partial

import dagster as dg

from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.resources import LakeResource
from hf_assets.hub.quality.baselines import last_alike
from hf_assets.hub.quality.rules import alike
from hf_assets.hub.uses import rules
from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable


def _read(lake: LakeResource, day: str, *tables: str) -> list[StoredTable]:
    return [lake.tree.read(table, day) for table in tables]


def _edges(lake: LakeResource, day: str) -> RuleResult:
    return rules.uses_add_up(*_read(lake, day, "uses", "enriched_spaces", "models"))


def _known(lake: LakeResource, day: str) -> RuleResult:
    read, stored = partial(lake.tree.read, "uses"), lake.tree.days("uses")
    before = last_alike(stored, day, read, partial(alike, "raw_models"))
    return rules.known_rates(read(day), before)


def _users(lake: LakeResource, day: str) -> RuleResult:
    return rules.used_by_adds_up(*_read(lake, day, "used_by", "uses", "model_usage"))


@dg.definitions
def use_checks() -> dg.Definitions:
    """Edges are complete, their targets listed as usual, and users add up to them."""
    return dg.Definitions(
        asset_checks=[
            check(
                "uses",
                "uses_add_up",
                _edges,
                "Each edge is there once, as often as the lists of the day's Spaces and models "
                "name it.",
            ),
            check(
                "uses",
                "known_rates",
                _known,
                "The share of targets that are listed moved by 5 points at most since the last day "
                "of the same source.",
            ),
            check(
                "used_by",
                "used_by_adds_up",
                _users,
                "Users add up to the edges, relations to the models made from others; the Spaces "
                "of models are those of model_usage.",
            ),
        ]
    )
