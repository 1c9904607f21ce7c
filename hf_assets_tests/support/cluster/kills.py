"""What is killed with -9 under a backfill, and when."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from hf_assets.storage.lake import Lake
from hf_assets_tests.support.cluster.past import Past, files_of
from hf_assets_tests.support.deploy.postgres import PostgresServer
from hf_assets_tests.support.deploy.running import until
from hf_assets_tests.support.object_store.weed import Weed

# Seconds until a service manager begins a killed server again.
PAUSE = 1.0
# The campaign before a release: points of each victim.
POINTS = 20
# A person launches again what does not end well by itself.
RELAUNCHES = 3


@dataclass(frozen=True)
class Kill:
    """A victim, and a point that the seed draws: after so many of the stored files."""

    victim: str
    seed: int

    def wait(self, lake: Lake, past: Past, over: Callable[[], bool]) -> None:
        """Return at the point, or when the backfill is over."""
        wanted = random.Random(f"{self.victim} {self.seed}").randrange(past.files)
        until(lambda: over() or files_of(lake) >= wanted, lambda: f"{self}: {files_of(lake)}")


def restart(server: PostgresServer | Weed) -> None:
    """Kill a server, and start it again as a service manager does."""
    server.kill()
    time.sleep(PAUSE)
    server.start()
