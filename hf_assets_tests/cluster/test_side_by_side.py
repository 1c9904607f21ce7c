"""A past that two runs make side by side, on a store, with locks in Postgres; without Ray.

Something is killed with -9 at a drawn point. Afterwards every row is there once, as one machine
makes it, and no lock is left.
"""

import pytest

from hf_assets.storage.lake import Lake
from hf_assets_tests.cluster.conftest import variables_of
from hf_assets_tests.support.cluster.kills import RELAUNCHES, Kill, restart
from hf_assets_tests.support.cluster.past import Past, begin, differing, why_failed
from hf_assets_tests.support.deploy.postgres import PostgresServer
from hf_assets_tests.support.deploy.running import until
from hf_assets_tests.support.object_store.weed import Weed

pytestmark = pytest.mark.heavy
# Points of each victim; test_killed has the campaign.
FEW = 3


def release(victim: str, seed: int) -> object:
    return pytest.param(Kill(victim, seed), id=f"{victim}-{seed}", marks=pytest.mark.release)


@pytest.mark.parametrize(
    "kill",
    [
        pytest.param(Kill("run", 0), id="run-0"),
        *(release("run", seed) for seed in range(1, FEW)),
        *(release(victim, seed) for victim in ("postgres", "store") for seed in range(FEW)),
    ],
)
def test_two_runs_make_what_one_makes_whatever_is_killed(
    kill: Kill, made_past: Past, lake: Lake, postgres_server: PostgresServer, store_server: Weed
) -> None:
    variables = variables_of(made_past, store_server, postgres_server.variables)
    spans = made_past.spans(2)
    runs = [begin(span, variables) for span in spans]
    kill.wait(lake, made_past, lambda: all(run.poll() is not None for run in runs))
    if kill.victim == "run":
        runs[0].kill()
    else:
        restart({"postgres": postgres_server, "store": store_server}[kill.victim])
    for span, run in zip(spans, runs, strict=True):
        relaunches = 0
        while why := why_failed(run):
            assert relaunches < RELAUNCHES, why
            relaunches += 1
            run = begin(span, variables)
    assert differing(lake, made_past) == []
    # Postgres sees the end of a connection a moment after the process has ended.
    until(lambda: postgres_server.locks() == [], lambda: f"{postgres_server.locks()}", 60)
