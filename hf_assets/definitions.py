"""The code location: everything under `defs/`, found by itself."""

import warnings
from pathlib import Path

import dagster as dg

import hf_assets.defs
from hf_assets.defs.common.conventions import with_conventions


@dg.definitions
def defs() -> dg.Definitions:
    """All that stands under `defs/`."""
    # `load_from_defs_folder` does the same, but wants the pyproject.toml of a clone, and warns once
    # a file where the code location has another name than that says (`dagster dev -m`).
    tree = dg.ComponentTree(defs_module=hf_assets.defs, project_root=Path(__file__).parents[1])
    with warnings.catch_warnings():
        for kind in (dg.BetaWarning, dg.PreviewWarning, dg.SupersessionWarning):
            warnings.simplefilter("ignore", kind)
        return with_conventions(tree.build_defs())
