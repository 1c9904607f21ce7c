"""The code location, loaded once in a process: it takes half of a small run over the graph."""

import gc
from functools import cache
from pathlib import Path

import dagster as dg

from hf_assets.definitions import defs as code_location
from hf_assets.defs.common.resources import resources
from hf_assets.settings import settings


@cache
def _loaded(corpora: Path | None) -> dg.Definitions:
    """The definitions of the package's corpora and of those in that file of the settings."""
    loaded = code_location()
    # It stays to the end: the collector need not look through it again.
    gc.collect()
    gc.freeze()
    return loaded


def graph() -> dg.Definitions:
    """The code location with the resources of the present settings."""
    loaded = _loaded(settings().corpora)
    return dg.Definitions(
        assets=loaded.assets,
        asset_checks=loaded.asset_checks,
        jobs=loaded.jobs,
        schedules=loaded.schedules,
        sensors=loaded.sensors,
        executor=loaded.executor,
        resources=resources().resources,
    )
