"""Rebuilds the first of two months of a series, says so, and waits to be killed: `… ROOT`."""

import sys
import time
from pathlib import Path
from unittest import mock

from hf_assets.storage.lake import Lake, TableWrite
from hf_assets.storage.parquet import Table
from hf_assets.trends.series.incremental import refresh
from hf_assets.trends.series.past import Past
from hf_assets_tests.support.trends.quarters import LEVELS


def slow() -> None:
    write = Lake.write

    def writing(lake: Lake, table: Table, key: str, made: TableWrite) -> object:
        found = write(lake, table, key, made)
        print("half", flush=True)
        time.sleep(600)
        return found

    with mock.patch.object(Lake, "write", writing):
        refresh(Past(Lake(Path(sys.argv[1]))), LEVELS[0])


if __name__ == "__main__":
    slow()
