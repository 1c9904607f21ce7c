"""The code location: everything under `defs/`, found by itself."""

import gc
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

import hf_assets.defs
from hf_assets.defs.common.broken import without_broken_files
from hf_assets.defs.common.conventions import with_conventions
from hf_assets.settings import Settings, settings

# The definitions of this process, and the settings that they were built of.
_built: list[tuple[Settings, dg.Definitions]] = []


@dg.definitions
def defs() -> dg.Definitions:
    """All that stands under `defs/`; a component that cannot be read stops nothing else.

    Built once a process: `dg launch` asks for them six times, a second each.
    """
    known = settings()
    if not _built:
        with _kept():
            _built.append((known, _build()))
    if _built[0][0] is not known:
        _built[:] = [(known, _build())]
    return _built[0][1]


@contextmanager
def _kept() -> Generator[None]:
    """What is loaded meanwhile stays as long as the process, and is no place to look for garbage.

    There are 270,000 objects: each look at all of them took a tenth of a second, of which a run
    had six.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.collect()
        gc.freeze()
    finally:
        if collects:
            gc.enable()


def _build() -> dg.Definitions:
    # `load_from_defs_folder` does the same, but wants the pyproject.toml of a clone, and warns once
    # a file where the code location has another name than that says (`dagster dev -m`).
    root = Path(__file__).parents[1]
    tree = dg.ComponentTree(defs_module=hf_assets.defs, project_root=root)
    with warnings.catch_warnings():
        for kind in (dg.BetaWarning, dg.PreviewWarning, dg.SupersessionWarning):
            warnings.simplefilter("ignore", kind)
        try:
            loaded = tree.build_defs()
        except Exception:
            remaining = without_broken_files(hf_assets.defs, root)
            if remaining is None:
                raise
            loaded = remaining
        return with_conventions(loaded)
