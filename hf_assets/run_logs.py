"""Dagster's store of a run's own output, for deploy/dagster-cluster.yaml: beside the lake.

What a run prints lies on the disk of its node while it runs, and in the lake's store from then on,
so that the UI shows it on any machine. dagster-aws has the same for Amazon alone: it wants boto3,
and checksums that other stores refuse. A lake in a folder that all machines share needs no copy.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
from dagster._core.storage.cloud_storage_compute_log_manager import CloudStorageComputeLogManager
from dagster._core.storage.compute_log_manager import (
    CapturedLogContext,
    CapturedLogSubscription,
    ComputeIOType,
    ComputeLogManager,
)
from dagster._core.storage.local_compute_log_manager import (
    IO_TYPE_EXTENSION,
    LocalComputeLogManager,
)
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from hf_assets.errors import InputError, clean
from hf_assets.log_subscriptions import LogSubscriptions
from hf_assets.object_store.address import SHORT_SECONDS, StoreAddress, is_address
from hf_assets.object_store.errors import asking
from hf_assets.object_store.path import StorePath, api, delete, location, remove_tree
from hf_assets.object_store.scratch import discard, in_use, scratch

# Below the lake. No asset has a name with a dot: neither a copy nor a sweep of a lake looks there.
FOLDER = ".dagster/run_logs"
# Seconds from one copy of what a run has printed so far to the next.
INTERVAL = 30
# Bytes a second, in the mean, of the copies of a log that grows. A store cannot append, so that
# each copy is the whole log: one of 3 MB goes every 30 seconds, one of 50 MB every 8 minutes.
RATE = 100_000
# A store that is away holds the end of a run up for so many seconds.
_PATIENCE = 30
# Bytes of a log that are stored, and what follows them.
MOST = 50_000_000
_CUT = b"\n... cut here: the rest is not stored\n"
_NOT_YET = "The output of this run is not in the store yet"
_NOT = "The output of this run is not in the store"
_NOW = "The output of this run is in the store now"
# The thread that copies.
WATCH = "upload-watch"
_LOG = logging.getLogger(__name__)
# The errors come last: where they are, all is.
_KINDS = (ComputeIOType.STDOUT, ComputeIOType.STDERR)
_T = TypeVar("_T")


class LakeLogManager(CloudStorageComputeLogManager[Any], ConfigurableClass):
    """Keeps the output of runs in the lake's store; a store that takes none ends no run.

    Args:
        root: of the logs, on a store.
        interval: seconds between copies while a run goes on.
        inst_data: of Dagster.
    """

    def __init__(
        self,
        root: StorePath,
        interval: int = INTERVAL,
        inst_data: ConfigurableClassData | None = None,
    ) -> None:
        super().__init__()
        self._root, self._interval, self._inst_data = root, interval, inst_data
        self._here = scratch() / "run_logs"
        self._local = LocalComputeLogManager(str(self._here))
        self._subscriptions = LogSubscriptions(self)
        # What was said of a run.
        self._told: set[tuple[str, str]] = set()
        # Bytes that the store has, and when it got them, by object.
        self._copied: dict[StorePath, tuple[int, float]] = {}

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Of Dagster."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> Mapping[str, Any]:
        """What `config` in dagster.yaml holds."""
        return {
            "lake": dg.Field(dg.StringSource, description="HF_ASSETS_DATA: a folder or s3://…"),
            "interval": dg.Field(
                int,
                default_value=INTERVAL,
                description="Seconds between copies while a run goes on.",
            ),
        }

    @classmethod
    def from_config_value(  # ty: ignore[incompatible-method-override] - Dagster takes any manager
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> ComputeLogManager:
        """The manager for that lake; of a folder Dagster's own, over a folder in it."""
        lake = config_value["lake"]
        if is_address(lake):
            root = StorePath(StoreAddress.parse(lake)) / FOLDER
            return cls(root, config_value["interval"], inst_data)
        return LocalComputeLogManager(str(location(lake) / FOLDER), inst_data=inst_data)

    @property
    def local_manager(self) -> LocalComputeLogManager:
        """Of the logs that are on this machine."""
        return self._local

    @property
    def upload_interval(self) -> int:
        """Seconds between copies while a run goes on."""
        return self._interval

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Generator[CapturedLogContext]:
        """Take what the block prints; it is stored when the block ends, by an error, too."""
        held = in_use(self._folder(log_key))
        try:
            with self._poll_for_local_upload(log_key), self._local.capture_logs(log_key) as context:
                yield context
        finally:
            try:
                self._on_capture_complete(log_key)
            finally:
                os.close(held)

    @contextmanager
    def _poll_for_local_upload(self, log_key: Sequence[str]) -> Generator[None]:
        """Copy what is printed, now and then, in a thread that ends with the block.

        Dagster's own thread goes on after a block that ends by an error, until the store says that
        it has the log; one that refuses is asked for ever.
        """
        ended = threading.Event()

        def copy() -> None:
            while not ended.wait(self._interval):
                self.on_progress(log_key)

        watch = threading.Thread(target=copy, name=WATCH, daemon=True)
        if self._interval:
            watch.start()
        try:
            yield
        finally:
            ended.set()
            # A copy under way would come to the store after the last one, and stay there.
            if self._interval:
                watch.join()

    def on_progress(self, log_key: Sequence[str]) -> None:
        """Copy what a run under way has printed so far."""
        for kind in _KINDS:
            self._sent(log_key, kind, partial=True)

    def _folder(self, log_key: Sequence[str]) -> Path:
        """The folder of a run's logs on this machine; those of old runs are removed."""
        folder = self._here / log_key[0]
        folder.mkdir(parents=True, exist_ok=True)
        for old in self._here.iterdir():
            if old != folder:
                discard(old)
        return folder

    def _on_capture_complete(self, log_key: Sequence[str]) -> None:
        if not all(self._sent(log_key, kind) for kind in _KINDS):
            return
        if (log_key[0], _NOT_YET) in self._told:
            self._tell(log_key, _NOW)
        try:
            self._local.delete_logs(log_key=log_key)
        except OSError as error:  # removed with the folder, a day later
            _LOG.warning("The output of run %s stays in %s, too: %s", log_key[0], self._here, error)
        self._asked(lambda: delete([self._at(log_key, kind, partial=True) for kind in _KINDS]))

    def upload_to_cloud_storage(
        self, log_key: Sequence[str], io_type: ComputeIOType, partial: bool = False
    ) -> None:
        """Copy a log into the store; where that takes none, the run's events say so, once.

        Args:
            log_key: of the log.
            io_type: which of the two.
            partial: it may still grow; a long one waits for its turn.
        """
        self._sent(log_key, io_type, partial)

    def _sent(self, log_key: Sequence[str], io_type: ComputeIOType, partial: bool = False) -> bool:
        path = Path(self._local.get_captured_local_path(log_key, IO_TYPE_EXTENSION[io_type]))
        there = self._at(log_key, io_type, partial)
        try:
            size, at = self._copied.get(there, (0, 0.0))
            if partial and time.monotonic() < at + size / RATE:
                return True
            content = _first(path) if path.exists() else b""
            if partial and len(content) == size:
                return True
            with asking(there):
                client = there.address.client(_PATIENCE)
                api().put(client, there.key, content, mode="overwrite", use_multipart=False)
        except (InputError, OSError) as error:
            where = f"What this run prints is on {socket.gethostname()}, in {path.parent}"
            if partial:
                self._tell(log_key, _NOT_YET, f": {error}. {where}, and is sent again")
            else:
                self._tell(log_key, _NOT, f": {error}. {where}, and is removed there after a day")
            return False
        self._copied[there] = len(content), time.monotonic()
        return True

    def _tell(self, log_key: Sequence[str], what: str, more: str = "") -> None:
        """Words about a run's logs among its events, once a process; no run ends for them."""
        run_id = log_key[0]
        if (run_id, what) in self._told:
            return
        self._told.add((run_id, what))
        _LOG.warning("Run %s: %s%s", run_id, what, more)
        try:
            if self.has_instance and (run := self._instance.get_run_by_id(run_id)):
                self._instance.report_engine_event(f"{what}{more}", run, cls=type(self))
        except Exception as error:  # noqa: BLE001 - of whatever record Dagster has
            _LOG.warning("The events of run %s do not say so: %s", run_id, clean(str(error)))

    def _at(
        self, log_key: Sequence[str], io_type: ComputeIOType, partial: bool = False
    ) -> StorePath:
        """The object of a log; of one that may still grow, another."""
        name = f"{'/'.join(log_key)}.{IO_TYPE_EXTENSION[io_type]}"
        return self._root / (f"{name}.partial" if partial else name)

    def cloud_storage_has_logs(
        self, log_key: Sequence[str], io_type: ComputeIOType, partial: bool = False
    ) -> bool:
        """Whether the store has it; not where it does not answer."""
        return self._size(self._at(log_key, io_type, partial)) is not None

    def _size(self, there: StorePath) -> int | None:
        def head() -> int:
            return api().head(there.address.client(SHORT_SECONDS), there.key)["size"]

        return self._asked(head, there)

    def _asked(self, question: Callable[[], _T], there: StorePath | None = None) -> _T | None:
        """The store's answer to a page or a clean-up; None where there is none."""
        try:
            with asking(there or self._root):
                return question()
        except FileNotFoundError:
            return None
        except InputError as error:
            _LOG.warning("%s", error)
            return None

    def get_log_data_for_type(
        self, log_key: Sequence[str], io_type: ComputeIOType, offset: int, max_bytes: int | None
    ) -> tuple[bytes | None, int]:
        """A part of a log: of this machine's file, else of the object, by its range."""
        if self.has_local_file(log_key, io_type):
            return self._local.get_log_data_for_type(log_key, io_type, offset, max_bytes)
        there, size = self._at(log_key, io_type), self._size(self._at(log_key, io_type))
        if size is None:
            there = self._at(log_key, io_type, partial=True)
            size = self._size(there)
        if size is None:
            return None, offset
        length = min(max(size - offset, 0), size if max_bytes is None else max_bytes)
        part = self._asked(lambda: _range(there, offset, length), there) if length else b""
        return part, offset + len(part or b"")

    def download_from_cloud_storage(
        self, log_key: Sequence[str], io_type: ComputeIOType, partial: bool = False
    ) -> None:
        """Copy a log to this machine, where the UI's button for a download wants it."""
        self._folder(log_key)
        path = Path(self._local.get_captured_local_path(log_key, IO_TYPE_EXTENSION[io_type]))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._at(log_key, io_type, partial).read_bytes())

    def download_url_for_type(self, log_key: Sequence[str], io_type: ComputeIOType) -> str:
        """Of the webserver: an address of the store would show a key, and want one."""
        return self._local.get_captured_log_download_url(log_key, io_type)

    def display_path_for_type(self, log_key: Sequence[str], io_type: ComputeIOType) -> str:
        """The address of the object."""
        return str(self._at(log_key, io_type))

    def delete_logs(
        self, log_key: Sequence[str] | None = None, prefix: Sequence[str] | None = None
    ) -> None:
        """Delete a log, or those of a prefix, here and in the store."""
        self._local.delete_logs(log_key, prefix)
        if log_key:
            delete([self._at(log_key, io, part) for io in _KINDS for part in (False, True)])
        elif prefix:
            remove_tree(self._root.joinpath(*prefix))

    def get_log_keys_for_log_key_prefix(
        self, log_key_prefix: Sequence[str], io_type: ComputeIOType
    ) -> Sequence[list[str]]:
        """The keys of the logs right below; Dagster reads the logs of a backfill so."""
        _, objects = self._root.joinpath(*log_key_prefix).children()
        suffix = f".{IO_TYPE_EXTENSION[io_type]}"
        return [[*log_key_prefix, path.stem] for path in objects if path.suffix == suffix]

    def on_subscribe(self, subscription: CapturedLogSubscription) -> None:
        """Ask every few seconds, until the log is complete."""
        self._subscriptions.add_subscription(subscription)

    def on_unsubscribe(self, subscription: CapturedLogSubscription) -> None:
        """Ask no more."""
        self._subscriptions.remove_subscription(subscription)

    def dispose(self) -> None:
        """Stop all of it."""
        self._subscriptions.dispose()
        super().dispose()


def _first(path: Path) -> bytes:
    """The content of a log, cut where it is too long to be sent again and again."""
    with path.open("rb") as log:
        content = log.read(MOST + 1)
    return content if len(content) <= MOST else content[:MOST] + _CUT


def _range(there: StorePath, offset: int, length: int) -> bytes:
    client = there.address.client(SHORT_SECONDS)
    return bytes(api().get_range(client, there.key, start=offset, length=length))
