"""A run of today in a process of its own, without the seconds that the command `dg` takes.

`python -m hf_assets_tests.support.defs.launch ASSET…`, with DAGSTER_HOME and the switches in the
environment.
"""

import sys

import dagster as dg

from hf_assets.definitions import defs
from hf_assets.storage.lake import today


def main(*assets: str) -> None:
    job = defs().resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        job.execute_in_process(
            instance=instance, asset_selection=[*map(dg.AssetKey, assets)], partition_key=today()
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
