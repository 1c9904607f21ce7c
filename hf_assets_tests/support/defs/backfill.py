"""The job `past_days`, and what a run of it made.

In a process of its own, as the first day of the partitions is read once:

`python -m hf_assets_tests.support.defs.backfill FIRST LAST`, with the switches in the environment.
Prints, as JSON, whether the run succeeded, its seconds and CPU seconds, the partitions of each
asset, and the checks that did not pass.
"""

import json
import logging
import sys
import time
from typing import Any

import dagster as dg

from hf_assets_tests.defs.conftest import RANGE_END, RANGE_START
from hf_assets_tests.support.defs.graph import graph


def recover_days(first: str, last: str) -> dict[str, Any]:
    """One run over those days, of the settings' archive into their lake."""
    job = graph().resolve_job_def("past_days")
    began = time.monotonic()
    with dg.DagsterInstance.ephemeral() as instance:
        tags = {RANGE_START: first, RANGE_END: last}
        result = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    made: dict[str, list[str]] = {}
    for event in result.get_asset_materialization_events():
        assert event.asset_key
        made.setdefault(event.asset_key.path[-1], []).append(str(event.partition))
    failed = {
        f"{one.asset_key.path[-1]}.{one.check_name}": str(one.metadata["results"].value)
        for one in result.get_asset_check_evaluations()
        if not one.passed
    }
    return {
        "success": result.success,
        "seconds": time.monotonic() - began,
        "cpu": time.process_time(),
        "made": made,
        "failed": failed,
    }


def main(first: str, last: str) -> None:
    logging.disable(logging.INFO)
    print(json.dumps(recover_days(first, last)))


if __name__ == "__main__":
    main(*sys.argv[1:])
