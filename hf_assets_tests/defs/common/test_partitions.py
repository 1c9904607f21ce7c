"""How a range of days is cut into runs: as one by default, or in parts where a setting says so."""

import json
import os
import subprocess
import sys

import dagster as dg
import pytest

from hf_assets.defs.common.partitions import daily, runs_of
from hf_assets.defs.hub.schedules import stretches

_LOADED = """
import json, warnings
warnings.simplefilter("error", UserWarning)
from hf_assets.definitions import defs
graph = defs().resolve_asset_graph()
most = {node.key.to_user_string(): node.backfill_policy.max_partitions_per_run
        for node in graph.asset_nodes if node.is_partitioned and node.backfill_policy}
jobs = {job: defs().resolve_job_def(job).backfill_policy.max_partitions_per_run
        for job in ("past_days", "capture_today")}
print(json.dumps([most, jobs]))
"""


def test_one_run_by_default() -> None:
    assert runs_of(None) == dg.BackfillPolicy.single_run()


def test_a_setting_cuts_the_days_of_the_hub_and_of_its_jobs() -> None:
    # In a process of its own: policies are read once.
    done = subprocess.run(
        [sys.executable, "-c", _LOADED],
        env=os.environ | {"HF_ASSETS_DAYS_PER_RUN": "8"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    most, jobs = json.loads(done.stdout)
    # A day's texts leave out those of earlier days, which must be there.
    in_one = {"new_questions", "new_datasets"}
    assert {name for name, days in most.items() if days is None} == in_one
    assert {days for name, days in most.items() if name not in in_one} == {8}
    assert jobs == {"past_days": 8, "capture_today": 8}


@pytest.mark.parametrize(
    ("most", "wanted"),
    [
        (None, [(0, 4), (6, 6)]),
        (2, [(0, 1), (2, 3), (4, 4), (6, 6)]),
        (5, [(0, 4), (6, 6)]),
    ],
)
def test_schedules_cut_their_ranges_alike(most: int | None, wanted: list[tuple[int, int]]) -> None:
    keys = daily.get_partition_keys()[:7]
    days = [key for at, key in enumerate(keys) if at != 5]
    assert [*stretches(days, most)] == [(keys[first], keys[last]) for first, last in wanted]
