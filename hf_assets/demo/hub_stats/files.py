"""The files of the embedded archive: rendered when asked for, kept while they are small enough."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import date, timedelta
from threading import Lock

import pyarrow as pa
import pyarrow.parquet as pq

from hf_assets.demo.hub_stats.columns import DatasetColumns, ModelColumns, SpaceColumns, State
from hf_assets.demo.hub_stats.faults import ArchiveFaults
from hf_assets.demo.service.blobs import Blob
from hf_assets.demo.world.generator import GeneratedHub
from hf_assets.demo.world.source import Kind

ROLLED_BACK_DAYS = 10
_ROW_GROUP = 20_000
# Columns of few values; in all others a dictionary would only cost time.
_REPEATING = [
    "author", "pipeline_tag", "library_name", "sdk", "tags.list.element", "trendingScore",
    "siblings.list.element.rfilename", "baseModels.relation", "gguf.architecture", "likes",
    "baseModels.models.list.element.id", "baseModels.models.list.element._id", "runtime.stage",
    "runtime.hardware.current", "runtime.hardware.requested", "runtime.errorMessage",
    "models.list.element", "datasets.list.element",
]  # fmt: skip


class ArchiveFiles:
    """The file of each kind on any day; the same bytes whenever they are asked for.

    Args:
        hub: whose days.
        faults: the days that differ.
        usage: whether Spaces say which models and datasets they use.
        kept: bytes of files of each kind that are kept: who reads all days of one kind and then
            those of another should find these still here.
    """

    def __init__(
        self, hub: GeneratedHub, faults: ArchiveFaults, *, usage: bool, kept: int = 128 << 20
    ) -> None:
        self._faults, self._limit = faults, kept
        self._tables: dict[Kind, Callable[[State], pa.Table]] = {
            "models": ModelColumns(hub).table,
            "spaces": SpaceColumns(hub, usage).table,
            "datasets": DatasetColumns(hub).table,
        }
        self._blobs: dict[tuple[Kind, State], Blob] = {}
        self.kept: dict[Kind, OrderedDict[State, bytes]] = {
            kind: OrderedDict() for kind in self._tables
        }
        self._lock = Lock()

    def blob(self, kind: Kind, day: date) -> Blob:
        """Size and hash of that day's file."""
        key = (kind, self._state(day))
        with self._lock:
            if key not in self._blobs:
                self._render(key)
            return self._blobs[key]

    def content(self, kind: Kind, day: date) -> tuple[Blob, bytes]:
        """That day's file."""
        state, kept = self._state(day), self.kept[kind]
        with self._lock:
            if state not in kept:
                self._render((kind, state))
            kept.move_to_end(state)
            return self._blobs[kind, state], kept[state]

    def _state(self, day: date) -> State:
        faults, counters = self._faults, day
        while counters in faults.stalled:
            counters -= timedelta(days=1)
        back = timedelta(days=ROLLED_BACK_DAYS if day in faults.rolled_back else 0)
        return State(
            day,
            counters,
            counters - back if day >= faults.all_time_from else None,
            day >= faults.cards_from,
            day >= faults.sizes_from,
            day in faults.partial,
        )

    def _render(self, key: tuple[Kind, State]) -> None:
        kind, state = key
        table = self._tables[kind](state)
        sink = pa.BufferOutputStream()
        pq.write_table(
            table, sink, compression="snappy", row_group_size=_ROW_GROUP, store_schema=False,
            use_dictionary=_REPEATING,
        )  # fmt: skip
        content = sink.getvalue().to_pybytes()
        self._blobs[key] = Blob(len(content), hashlib.sha256(content).hexdigest())
        kept = self.kept[kind]
        kept[state] = content
        while len(kept) > 1 and sum(map(len, kept.values())) > self._limit:
            kept.popitem(last=False)
