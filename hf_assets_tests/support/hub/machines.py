"""Captures by processes that share a store and nothing else: as on machines of their own."""

import itertools
import os
import sys
from datetime import datetime
from pathlib import Path
from subprocess import PIPE, Popen

from hf_assets.hub.client.wire import Kind
from hf_assets.storage.lake import Lake
from hf_assets_tests.conftest import DAY
from hf_assets_tests.support.hub.captures import ROOT

_NUMBERS = itertools.count()


def captures_elsewhere(
    folder: Path,
    url: str,
    lake: Lake,
    now: datetime,
    page_size: int,
    kind: Kind = "models",
    chains: int = 1,
) -> "Popen[str]":
    """A process that captures the day, with a home, a scratch folder and a place of its own.

    Args:
        folder: of all machines of the test.
        url: of the Hub.
        lake: on a store.
        now: the time that it begins with.
        page_size: rows a page.
        kind: of listing.
        chains: at most.
    """
    own = folder / f"machine{next(_NUMBERS)}"
    own.mkdir()
    module = "hf_assets_tests.support.hub.crawl"
    given = (url, lake.root, DAY, now.isoformat(), page_size, kind, chains)
    here = {"HF_ASSETS_SCRATCH": f"{own}/scratch", "HOME": str(own), "PYTHONPATH": str(ROOT)}
    return Popen(
        [sys.executable, "-m", module, *map(str, given)],
        cwd=own,
        env={**os.environ, **here},
        stdout=PIPE,
        stderr=PIPE,
        text=True,
    )
