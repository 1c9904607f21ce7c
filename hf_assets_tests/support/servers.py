"""Servers of pages, each on a free port of loopback."""

import os
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextmanager
def insights(data: Path, log: Path) -> Generator[tuple[str, subprocess.Popen[str]]]:
    """`make insights` over that lake: its address, and its process."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "hf_assets.apps.insights", "--port", str(port)]
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, "--data", str(data)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
            env=os.environ | {"HOME": str(log.parent)},
        )
        try:
            assert server.stdout is not None
            # Streamlit says something of its own first.
            said = next((line for line in server.stdout if line.startswith("The pages")), "")
            assert url in said, log.read_text()
            yield url, server
        finally:
            server.terminate()
            server.communicate()
