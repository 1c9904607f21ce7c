"""Tables that can be published, and how their columns look to others."""

from collections.abc import Iterable
from functools import cache
from types import ModuleType

import pyarrow as pa

from hf_assets.errors import InputError
from hf_assets.hub.providers import schemas as providers
from hf_assets.hub.quality import schemas as quality
from hf_assets.hub.repository_days import schemas as repository_days
from hf_assets.hub.space_code import schemas as code
from hf_assets.hub.tables import predictions
from hf_assets.hub.tables import schemas as tables
from hf_assets.hub.uses import schemas as uses
from hf_assets.storage.parquet import Table
from hf_assets.trends.metrics import daily_metrics as metrics
from hf_assets.trends.series import schemas as series

# Every module that declares a table of the Hub's half; a test compares them with the graph.
MODULES = (tables, uses, code, predictions, metrics, quality, providers, series, repository_days)
# Of other sources than the Hub's listings, or of no use to the rest: a night may lack them.
OPTIONAL = (code, providers, repository_days)
# A day of these takes under 100 KB; one of the others up to 120 MB at the size of the Hub.
_SMALL_MODULES, _SMALL_TABLES = (metrics, providers, series), ("top_models", "day_quality")
# Of every model.
_LARGE_SERIES = series.MODEL_PHASES.name
# Words of the setting that are no tables.
SMALL, FIGURES = "small", "figures"
# First in the card, and what `load_dataset` gives without a name.
FIRST = "daily_metrics"


@cache
def publishable(*modules: ModuleType) -> dict[str, Table]:
    """The tables by name, in the order of the graph.

    Args:
        modules: that declare them; all by default.
    """
    every = [value for module in modules or MODULES for value in vars(module).values()]
    # A name with a slash is a part of another table; raw answers are as a service gave them.
    return {
        one.name: one
        for one in every
        if isinstance(one, Table) and "/" not in one.name and not one.name.startswith("raw_")
    }


def chosen(text: str) -> tuple[list[Table], bool]:
    """The tables that a setting names, and whether figures are among them.

    Args:
        text: names between commas; `small` stands for all that are small, and the figures.

    Raises:
        InputError: a name is none of a table.
    """
    words = {word.strip() for word in text.split(",") if word.strip()}
    every = publishable()
    if unknown := sorted(words - {SMALL, FIGURES} - every.keys()):
        raise InputError(
            f"HF_ASSETS_PUBLISH_TABLES names {', '.join(map(repr, unknown))}: use {SMALL}, "
            f"{FIGURES}, or tables: {', '.join(every)}"
        )
    small = {*publishable(*_SMALL_MODULES), *_SMALL_TABLES} - {_LARGE_SERIES}
    names = words | (small if SMALL in words else set())
    found = [table for name, table in every.items() if name in names]
    return sorted(found, key=lambda table: table.name != FIRST), bool(words & {SMALL, FIGURES})


@cache
def portable_schema(name: str) -> pa.Schema:
    """The Arrow schema of a published table: only types that every reader has."""
    return pa.schema(_portable(publishable()[name].arrow_schema))


def _portable(fields: Iterable[pa.Field]) -> list[pa.Field]:
    return [pa.field(one.name, _plain(one.type)) for one in fields]


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_large_string(kind) or pa.types.is_string(kind):
        return pa.string()
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct(_portable(kind))
    return kind
