"""Checks of captures and tables: each hands a day to a rule of `hub.quality`."""

from functools import lru_cache, partial

import dagster as dg

from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.resources import LakeResource
from hf_assets.hub.capture_store.store import RAW
from hf_assets.hub.client.wire import Kind
from hf_assets.hub.providers import rules as provider_rules
from hf_assets.hub.quality import rules, usage_rules
from hf_assets.hub.quality.baselines import last_alike
from hf_assets.hub.reconciliation.rules import reconciled
from hf_assets.hub.repository_days.old_days import read_day
from hf_assets.hub.space_code import rules as code_rules
from hf_assets.hub.tables.schemas import ENRICHED_SPACES, HUB_DATASETS, MODELS
from hf_assets.rule_result import RuleResult
from hf_assets.settings import settings
from hf_assets.storage.lake import today
from hf_assets.storage.parquet import Table


def _of_capture(asset: str) -> list[dg.AssetChecksDefinition]:
    def capture(lake: LakeResource, day: str):
        return lake.captures(asset, [day])[day]

    def not_partial(lake: LakeResource, days: list[str]) -> dict[str, RuleResult]:
        return rules.partial_days(lake.stores[asset].captures(), days)

    return [
        check(
            asset,
            "capture_complete",
            lambda lake, day: rules.capture_complete(capture(lake, day)),
            "The listing was read to its last page and has as many rows as the Hub reports.",
            blocking=True,
        ),
        check(
            asset,
            "not_partial",
            None,
            "Has at least half the rows of the last complete capture of the same scope.",
            blocking=True,
            rules=not_partial,
        ),
        check(
            asset,
            "doubled_rows",
            lambda lake, day: rules.duplicate_rows(capture(lake, day)),
            "Counts rows that the Hub served twice; the tables keep one of each.",
        ),
        check(
            asset,
            "unread_columns",
            lambda lake, day: rules.unread_columns(capture(lake, day)),
            "Every column of an archive that looks like a field of the Hub was read.",
        ),
    ]


def _of_table(table: Table, kind: Kind) -> list[dg.AssetChecksDefinition]:
    name, raw = table.name, f"raw_{kind}"

    def null_rates(lake: LakeResource, days: list[str]) -> dict[str, RuleResult]:
        known, counted, results = lake.tree.days(name), rules.NullCounts(), {}
        # A day is mostly compared with the one before it, and each holds its file open.
        read = lru_cache(2)(partial(lake.tree.read, name))
        rows = lru_cache(2)(partial(read_day, lake.tree, name))
        for day in days:
            before = last_alike(known, day, read, partial(rules.alike, raw))
            results[day] = rules.null_rates(rows(day), before and rows(before.day), counted)
        return results

    def reconciliation(lake: LakeResource, day: str) -> RuleResult:
        return reconciled(lake.tree.read(name, day), lake.stores[raw].complete(day))

    return [
        check(
            name,
            "required_columns",
            lambda lake, day: rules.required_columns(read_day(lake.tree, name, day), table),
            f"{' and '.join(table.required)} are never null, and no id is empty.",
            blocking=True,
        ),
        check(
            name,
            "quarantine",
            lambda lake, day: rules.quarantined(lake.tree.read(name, day)),
            "At most 1 row in 10,000 lacks an identity and is in quarantine.",
        ),
        check(
            name,
            "ranges",
            lambda lake, day: rules.ranges(read_day(lake.tree, name, day)),
            "Counters and dates are possible values; negative counters are clipped and counted.",
        ),
        check(
            name,
            "null_rates",
            None,
            "No column is null much more or less often than on the last day of the same source.",
            rules=null_rates,
        ),
        check(
            name,
            "reconciliation",
            reconciliation,
            "An independent count of the recorded file agrees with the table: rows, tags, "
            "licences, base models, values and sums of counters.",
        ),
    ]


def _of_providers() -> list[dg.AssetChecksDefinition]:
    name = "inference_providers"

    def as_many_offers(lake: LakeResource, day: str) -> RuleResult:
        earlier = [one for one in lake.tree.days(name) if one < day]
        before = lake.tree.read(name, earlier[-1]) if earlier else None
        return provider_rules.as_many_offers(lake.tree.read(name, day), before)

    return [
        check(
            name,
            "shape_as_documented",
            lambda lake, day: provider_rules.shape_as_documented(lake.tree.read(name, day)),
            "At most 5 % of the router's rows and values do not fit; the side table names them.",
        ),
        check(name, "as_many_offers", as_many_offers, "At least half the offers of the last day."),
        check(
            name,
            "possible_prices",
            lambda lake, day: provider_rules.possible_prices(lake.tree.read(name, day)),
            "No price is above 1,000 dollars for a million tokens.",
        ),
    ]


def _bases_listed(lake: LakeResource, days: list[str]) -> dict[str, RuleResult]:
    known, read = lake.tree.days("families"), lru_cache(2)(partial(lake.tree.read, "families"))
    alike = partial(rules.alike, "raw_models")
    return {
        day: usage_rules.bases_listed(read(day), last_alike(known, day, read, alike))
        for day in days
    }


def _families_add_up(lake: LakeResource, day: str) -> RuleResult:
    tree = lake.tree
    models = read_day(tree, "models", day)
    return usage_rules.families_add_up(tree.read("families", day), models)


def _dangling(lake: LakeResource, day: str) -> RuleResult:
    return rules.dangling_models(lake.tree.read("enriched_spaces", day))


def _sample(lake: LakeResource, day: str) -> RuleResult:
    from hf_assets.hub.quality.sample import sample_agrees

    if day != today():
        return RuleResult(
            True, "Checked on the day itself only: `space_info` returns the present state."
        )
    stored = lake.tree.read("enriched_spaces", day)
    endpoint = stored.provenance["raw_spaces"]["endpoint"]
    return sample_agrees(stored, endpoint, settings().read_timeout)


def _of_space_code() -> list[dg.AssetChecksDefinition]:
    """The parts add up, no null is without its reason, and most Spaces are known."""
    rules_of = {
        "code_adds_up": (
            code_rules.code_adds_up,
            "Languages add up to the code, and code and other kinds to all files and bytes.",
        ),
        "reasons_known": (
            code_rules.reasons_known,
            "Unknown files, bytes or packages have one of the documented reasons.",
        ),
        "spaces_answered": (
            code_rules.spaces_answered,
            "The files of at least 9 in 10 Spaces that use the chosen models are known.",
        ),
    }
    return [
        check(
            "space_code",
            name,
            lambda lake, day, rule=rule: rule(lake.tree.read("space_code", day)),
            about,
        )
        for name, (rule, about) in rules_of.items()
    ]


@dg.definitions
def checks() -> dg.Definitions:
    """All checks of captures and tables; the sample costs 20 requests and is off by default."""
    found = [
        *_of_space_code(),
        *(one for asset in RAW for one in _of_capture(asset)),
        *_of_table(MODELS, "models"),
        *_of_table(ENRICHED_SPACES, "spaces"),
        *_of_table(HUB_DATASETS, "datasets"),
        check(
            "enriched_spaces",
            "dangling_models",
            _dangling,
            "Share of (Space, model) pairs whose model is not in `models`.",
        ),
        check(
            "top_models",
            "rankings_filled",
            lambda lake, day: usage_rules.rankings_filled(lake.tree.read("top_models", day)),
            "Every configured tag has models, in the order of likes, downloads or trending score.",
        ),
        check(
            "families",
            "families_add_up",
            _families_add_up,
            "Each model with a base is in one family; families have no more downloads than the "
            "Hub.",
        ),
        check(
            "families",
            "no_cycles",
            lambda lake, day: usage_rules.no_cycles(lake.tree.read("families", day)),
            "No model is among its own ancestors; warns.",
        ),
        check(
            "families",
            "bases_listed",
            None,
            "The share of models whose base is not listed is about that of the last day of the "
            "same source; warns.",
            rules=_bases_listed,
        ),
        check(
            "model_usage",
            "usage_adds_up",
            lambda lake, day: usage_rules.usage_adds_up(lake.tree.read("model_usage", day)),
            "Each model that Spaces use has one row; the rows add up to all (Space, model) pairs.",
        ),
    ]
    found += _of_providers()
    if settings().sample_spaces:
        about = "20 Spaces agree with what `space_info` returns for them."
        found.append(check("enriched_spaces", "sample_agrees", _sample, about))
    return dg.Definitions(asset_checks=found)
