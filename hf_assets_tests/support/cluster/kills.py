"""What is killed with -9 under a backfill, and when."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from hf_assets.hub.capture_store.store import RAW
from hf_assets.storage.lake import Lake
from hf_assets_tests.support.cluster.cluster import ENDED_BACKFILL, Cluster
from hf_assets_tests.support.cluster.past import (
    TABLES,
    Past,
    differing,
    files_of,
    stored,
    stored_files,
)
from hf_assets_tests.support.deploy.postgres import PostgresServer
from hf_assets_tests.support.deploy.running import until
from hf_assets_tests.support.object_store.weed import Weed

# Seconds until a service manager begins a killed server again.
PAUSE = 1.0
# The campaign before a release: points of each victim.
POINTS = 20
# Those of one backfill, which goes on between them.
KILLS = 10
# A person launches again what does not end well by itself.
RELAUNCHES = 3
VICTIMS = ("worker", "run", "postgres", "store")
# The first day of a run is compared again when the run before it has made its baseline.
_COMPARED_AGAIN = "daily_changes"


@dataclass(frozen=True)
class Kill:
    """A victim, and a point that the seed draws: after so many of the stored files."""

    victim: str
    seed: int

    def wait(self, lake: Lake, past: Past, over: Callable[[], bool]) -> None:
        """Return at the point, or when the backfill is over."""
        wanted = random.Random(f"{self.victim} {self.seed}").randrange(past.files)
        until(lambda: over() or files_of(lake) >= wanted, lambda: f"{self}: {files_of(lake)}")


@dataclass
class Backfill:
    """A backfill on Ray that a person begins in the UI, and all that can be killed under it."""

    cluster: Cluster
    past: Past
    lake: Lake
    postgres: PostgresServer
    store: Weed

    def through(self, victim: str, seed: int) -> list[str]:
        """Make the past while a victim is killed at points that the seed draws.

        Returns:
            Each kill in words: files stored by then, what, and the seconds since the first launch.
        """
        chance, began, said = random.Random(f"{victim} {seed}"), time.monotonic(), []
        points = sorted(chance.randrange(self.past.files) for _ in range(KILLS))
        going, seen = self.launch(), set()
        for number, point in enumerate(points):
            going = self._reach(point, going)
            # Anywhere between two files, too.
            time.sleep(chance.random())
            there = stored_files(self.lake)
            what = self._happen(victim, chance)
            said.append(f"{there} files: {what}, {time.monotonic() - began:.0f} s")
            print(f"{victim} {seed}, {number + 1} of {KILLS}, {said[-1]}", flush=True)
            assert self.halves(seen) == [], said
        if self.end_of(going) != "COMPLETED_SUCCESS":
            again = self.launch()
            assert self.end_of(again) == "COMPLETED_SUCCESS", f"{said}\n{self.cluster.said()}"
            said.append(f"launched again, {time.monotonic() - began:.0f} s")
        self.ends_whole(said)
        return said

    def launch(self) -> str:
        """Begin it; asked again where the webserver has a broken connection."""

        def begun() -> str | None:
            try:
                return self.cluster.backfill([*RAW, *TABLES], self.past.days)
            except AssertionError:
                return None

        return until(begun, self.cluster.said, 120)

    def ends_whole(self, said: object) -> None:
        """Wait until the last process has ended; every row is there once, and no lock is left."""
        until(lambda: not self.cluster.going_on(), lambda: f"{said}\n{self.cluster.said()}", 120)
        assert differing(self.lake, self.past) == [], said
        # A run has succeeded a moment before its process ends.
        until(lambda: self.postgres.locks() == [], lambda: f"{said} {self.postgres.locks()}", 60)

    def halves(self, seen: set[str]) -> list[str]:
        """What can be seen of the past and is not whole; `seen` gets what was looked at."""
        there = {
            f"{name} {day}": stored(self.lake, name, day)
            for name in (*TABLES, *RAW)
            if name != _COMPARED_AGAIN
            for day in self._days_of(name)
            if f"{name} {day}" not in seen
        }
        seen |= there.keys()
        return [name for name, made in there.items() if not self.past.has(name, made)]

    def _days_of(self, name: str) -> list[str]:
        days = self.lake.days(name, "capture.json" if name in RAW else "data.parquet")
        return [day for day in days if day in self.past.days]

    def _reach(self, point: int, going: str) -> str:
        """Return when so many files are stored and a run goes on; the backfill that has it."""
        until(lambda: self._is_over(going) or stored_files(self.lake) >= point, self.cluster.said)
        while self._is_over(going) or not self.cluster.going_on():
            if self._is_over(going):
                going = self.launch()
            time.sleep(0.25)
        until(lambda: self._is_over(going) or stored_files(self.lake) >= point, self.cluster.said)
        return going

    def end_of(self, backfill: str) -> str:
        """Wait until it has ended; how."""
        return until(lambda: self._is_over(backfill), self.cluster.said)

    def _is_over(self, backfill: str) -> str | None:
        status = self.cluster.backfilled(backfill)["status"]
        return status if status.startswith(ENDED_BACKFILL) else None

    def _happen(self, victim: str, chance: random.Random) -> str:
        if victim == "run":
            return self._kill_run(chance)
        if victim == "worker":
            name = chance.choice(["ray-worker-1", "ray-worker-2"])
            self.cluster.service.kept[name].kill()
            return name
        restart({"postgres": self.postgres, "store": self.store}[victim])
        return victim

    def _kill_run(self, chance: random.Random) -> str:
        """Kill the process of one of the runs, as soon as there is one."""

        def killed() -> str | None:
            runs = self.cluster.going_on()
            chance.shuffle(runs)
            return next((run for run in runs if self.cluster.kill_run(run)), None)

        return until(killed, self.cluster.said, 120)


def restart(server: PostgresServer | Weed) -> None:
    """Kill a server, and start it again as a service manager does."""
    server.kill()
    time.sleep(PAUSE)
    server.start()
