"""The demo's command in this process, its runs as well: without the start of three processes, and
with few figures. `test_cli.py` runs the same as a person types it, in heavy tests.
"""

import os
import subprocess
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import dagster as dg
import pytest
from huggingface_hub import constants

from hf_assets.demo import __main__ as command_line
from hf_assets.runner import progress
from hf_assets.settings import settings
from hf_assets_tests.defs.conftest import RANGE_END, RANGE_START
from hf_assets_tests.support.defs.few_figures import draw_few_figures
from hf_assets_tests.support.defs.graph import graph


def demo_here(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What `demo` of `test_cli.py` gives, of this process."""
    words = ["python", "-m", "hf_assets.demo", *arguments]
    said, complaint = StringIO(), StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        mock.patch.dict(os.environ, environment),
        redirect_stdout(said),
        redirect_stderr(complaint),
    ):
        draw_few_figures(patch)
        patch.setattr(progress, "call", execute)
        status = command_line.main(list(arguments))
    return subprocess.CompletedProcess(words, status, said.getvalue(), complaint.getvalue())


def execute(command: list[str], environ: Mapping[str, str], log: Path, *shown: object) -> int:
    """Do what `dg launch` does with that command, in place of `runner.process.call`."""
    at = command.index("launch")
    options = dict(zip(command[at + 1 :: 2], command[at + 2 :: 2], strict=True))
    first, _, last = options.get("--partition-range", "").partition("...")
    with (
        log.open("a", encoding="utf-8") as out,
        redirect_stdout(out),
        redirect_stderr(out),
        mock.patch.dict(os.environ, environ, clear=True),
        mock.patch.object(constants, "ENDPOINT", environ["HF_ENDPOINT"]),
        dg.DagsterInstance.ephemeral() as instance,
    ):
        settings.cache_clear()
        definitions = graph()
        chosen = None
        if selection := options.get("--assets"):
            assets = definitions.resolve_asset_graph()
            chosen = sorted(dg.AssetSelection.from_string(selection).resolve(assets))
            job = definitions.resolve_implicit_global_asset_job_def()
        else:
            job = definitions.resolve_job_def(options["--job"])
        run = job.execute_in_process(
            instance=instance,
            asset_selection=chosen,
            partition_key=options.get("--partition"),
            tags={RANGE_START: first, RANGE_END: last} if last else {},
            raise_on_error=False,
        )
    settings.cache_clear()
    return 0 if run.success else 1
