"""Rules over a day of inference providers."""

from collections.abc import Sequence

import polars as pl

from hf_assets.rule_result import RuleResult
from hf_assets.storage.lake import StoredTable
from hf_assets.ui_words import percent

# Share of values and rows that may be odd before the shape counts as changed.
ODD = 0.05
# Share of a day's offers below which an answer counts as cut.
LEAST = 0.5
# Dollars for a million tokens; the dearest model of 2025 took 600.
MOST_DOLLARS = 1000
# Offers that a description names.
NAMED = 5


def shape_as_documented(stored: StoredTable) -> RuleResult:
    """At most 5 % of the values do not fit, and at most 5 % of the rows are in quarantine.

    Args:
        stored: a day of `inference_providers`.
    """
    rows, left_out, coerced = (
        int(stored.notes.get(name, 0)) for name in ("rows", "quarantined", "coerced")
    )
    values = rows * (len(stored.frame.collect_schema()) - 3)
    metadata = {"offers": rows, "quarantined": left_out, "odd_values": coerced}
    text = f"{left_out:,} rows and {coerced:,} values of {rows:,} offers do not fit"
    bad = left_out > ODD * (rows + left_out) or coerced > ODD * max(values, 1)
    if bad:
        text = f"The router's answer has changed its shape: {text}; the side table names them"
    return RuleResult(not bad, f"{text}.", metadata, severity="WARN")


def as_many_offers(stored: StoredTable, before: StoredTable | None) -> RuleResult:
    """Half the offers of the last day at least.

    Args:
        stored: a day of `inference_providers`.
        before: the last earlier day, if any.
    """
    metadata = {"offers": stored.rows}
    if before is None or not before.rows:
        return RuleResult(stored.rows > 0, f"{stored.rows:,} offers.", metadata, severity="WARN")
    share = stored.rows / before.rows
    text = f"{stored.rows:,} offers, {percent(share)} of those of {before.day}."
    return RuleResult(share >= LEAST, text, metadata, severity="WARN")


def possible_prices(stored: StoredTable) -> RuleResult:
    """No price is above 1,000 dollars for a million tokens: a price per token, or a slip."""
    dear = pl.max_horizontal("price_input", "price_output") > MOST_DOLLARS
    names: Sequence[tuple[str, str]] = (
        stored.frame.filter(dear).select("model", "provider").head(NAMED).collect().rows()
    )
    priced = stored.frame.select(pl.col("price_output").count()).collect().item()
    if not names:
        return RuleResult(True, f"{priced:,} prices are possible.", {"priced": priced})
    text = ", ".join(f"{model} of {provider}" for model, provider in names)
    return RuleResult(
        False, f"Above {MOST_DOLLARS:,} dollars: {text}.", {"priced": priced}, severity="WARN"
    )
