"""Checks of aggregates, series, figures and the report: each hands them to a rule of `trends`."""

import dagster as dg
import polars as pl

from hf_assets.defs.common.check_factory import check
from hf_assets.defs.common.resources import LakeResource
from hf_assets.hub.repository_days.old_days import read_day
from hf_assets.rule_result import RuleResult
from hf_assets.storage.folders import local_folder
from hf_assets.storage.parquet import Table
from hf_assets.trends.metrics.rules import sums_agree
from hf_assets.trends.series import rules, schemas


def _grows(table: Table, behind: str) -> dg.AssetChecksDefinition:
    def rule(lake: LakeResource, _: str) -> RuleResult:
        tree = lake.tree
        return rules.grows_with_days(tree.read(table.name, None), tree.days(behind))

    about = f"Has exactly the days of {behind}."
    return check(table.name, "grows_with_days", rule, about, partitions=None)


def _adds_up(table: Table, *of: str) -> dg.AssetChecksDefinition:
    def rule(lake: LakeResource, _: str) -> RuleResult:
        return rules.shares_add_up(lake.tree.read(table.name, None), *of)

    about = "The shares of a day add up to one at most."
    return check(table.name, "shares_add_up", rule, about, partitions=None)


def _sums_agree(lake: LakeResource, day: str) -> RuleResult:
    tree = lake.tree
    datasets = read_day(tree, "hub_datasets", day) if lake.there("hub_datasets", [day]) else None
    return sums_agree(tree.read("daily_metrics", day), read_day(tree, "models", day), datasets)


def _one_row_a_model(lake: LakeResource, _: str) -> RuleResult:
    tree = lake.tree
    every = tree.read("model_days", None) if tree.months("model_days") else None
    phases, history = (tree.read(name, None) for name in ("model_phases", "model_history"))
    return rules.one_row_a_model(phases, history, every)


def _days_with(noun: str, lake: LakeResource, table: str) -> RuleResult:
    """The days of a series are those whose `daily_metrics` count any such rows."""
    tree = lake.tree
    stored = tree.days("daily_metrics")
    days = [day for day in stored if tree.notes("daily_metrics", day).get(noun)]
    return rules.grows_with_days(tree.read(table, None), days)


def _days_with_uses(lake: LakeResource, _: str) -> RuleResult:
    tree = lake.tree
    stored = tree.days("daily_metrics")
    days = [day for day in stored if tree.notes("daily_metrics", day).get("edges") is not None]
    return rules.grows_with_days(tree.read("used_by_history", None), days)


def _figures_of_day(lake: LakeResource, day: str) -> RuleResult:
    # Imported late: the registry loads matplotlib.
    from hf_assets.charts.rules import figures_drawn
    from hf_assets.trends.figures import registry

    folder = local_folder(lake.tree.folder("snapshot_figures", day))
    return figures_drawn(folder, [figure.name for figure in registry.DAY_FIGURES])


def _figures_of_code(lake: LakeResource, day: str) -> RuleResult:
    from hf_assets.charts.rules import figures_drawn
    from hf_assets.trends.figures import registry

    folder = local_folder(lake.tree.folder("space_code_figures", day))
    return figures_drawn(folder, [figure.name for figure in registry.CODE_FIGURES])


def _figures_of_history(lake: LakeResource, _: str) -> RuleResult:
    from hf_assets.charts.rules import figures_drawn
    from hf_assets.trends.figures import registry

    folder = lake.tree.artefact("trend_figures")
    return figures_drawn(folder, [figure.name for figure in registry.HISTORY_FIGURES])


def _page(lake: LakeResource) -> str:
    page = lake.tree.artefact("insights_report") / "index.html"
    return page.read_text("utf-8")


def _self_contained(lake: LakeResource, _: str) -> RuleResult:
    from hf_assets.trends.report.rules import self_contained

    return self_contained(_page(lake))


def _names_newest_day(lake: LakeResource, _: str) -> RuleResult:
    from hf_assets.trends.report.rules import names_newest_day

    trusted = lake.tree.read("day_quality", None).frame.filter("trusted")
    return names_newest_day(_page(lake), trusted.select(pl.col("day").max()).collect().item())


@dg.definitions
def history_checks() -> dg.Definitions:
    """Every stored day is in the series, nothing counts twice, and figures show something."""
    drawn = "Every figure is there as SVG and as a PNG that opens and is not blank."
    return dg.Definitions(
        asset_checks=[
            _grows(schemas.CATEGORY_HISTORY, "daily_metrics"),
            _grows(schemas.LIFECYCLE, "daily_changes"),
            _adds_up(schemas.CATEGORY_HISTORY),
            _adds_up(schemas.LIBRARY_HISTORY),
            _adds_up(schemas.LICENSE_HISTORY, "of"),
            _adds_up(schemas.AUTHOR_HISTORY),
            _adds_up(schemas.FAMILY_HISTORY, "of"),
            check(
                "family_history",
                "grows_with_days",
                lambda lake, _: _days_with("families", lake, "family_history"),
                "Has exactly the days of daily_metrics that were made of families.",
                partitions=None,
            ),
            _adds_up(schemas.MODEL_HISTORY),
            _adds_up(schemas.DATASET_HISTORY),
            *(
                check(
                    name,
                    "grows_with_days",
                    lambda lake, _, name=name: _days_with("datasets", lake, name),
                    "Has exactly the days of daily_metrics whose source lists datasets.",
                    partitions=None,
                )
                for name in ("dataset_history", "dataset_group_history")
            ),
            check(
                "concentration_history",
                "shares_nest",
                lambda lake, _: rules.shares_nest(lake.tree.read("concentration_history", None)),
                "The first 10 have at least the share of the first, and so on; none is over one.",
                partitions=None,
            ),
            check(
                "space_usage_history",
                "grows_with_days",
                lambda lake, _: _days_with("Spaces", lake, "space_usage_history"),
                "Has exactly the days of daily_metrics whose source lists Spaces.",
                partitions=None,
            ),
            check(
                "used_by_history",
                "grows_with_days",
                _days_with_uses,
                "Has exactly the days of daily_metrics that know what uses what.",
                partitions=None,
            ),
            check(
                "model_phases",
                "one_row_a_model",
                _one_row_a_model,
                "Has one row for each model of model_history with known downloads, and others of "
                "model_days alone.",
                partitions=None,
            ),
            check(
                "adoption_history",
                "shares_rise_with_age",
                lambda lake, _: rules.shares_rise_with_age(
                    lake.tree.read("adoption_history", None)
                ),
                "The share of models that reached a milestone never falls with their age.",
                partitions=None,
            ),
            check(
                "daily_metrics",
                "sums_agree",
                _sums_agree,
                "Categories, libraries, licences and years each add up to all models of the day "
                "and their downloads; SDKs to all Spaces; sizes and licences to all datasets.",
            ),
            check("snapshot_figures", "figures_drawn", _figures_of_day, drawn),
            check("space_code_figures", "figures_drawn", _figures_of_code, drawn),
            check("trend_figures", "figures_drawn", _figures_of_history, drawn, partitions=None),
            check(
                "insights_report",
                "self_contained",
                _self_contained,
                "The page fetches nothing, and each of its links leads somewhere.",
                partitions=None,
            ),
            check(
                "insights_report",
                "names_newest_day",
                _names_newest_day,
                "The numbers are of the newest trusted day.",
                partitions=None,
            ),
        ]
    )
