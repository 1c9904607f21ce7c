"""Postgres on a free port of loopback, as a user that is not root."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hf_assets_tests.support.deploy.read import Process
from hf_assets_tests.support.deploy.running import skip_without
from hf_assets_tests.support.servers import free_port

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
PASSWORD = "of a test"


@contextmanager
def postgres() -> Generator[tuple[Process, dict[str, str]]]:
    """The process of an empty database, and the variables that name it."""
    skip_without(PROGRAMS, "postgresql")
    programs, port = PROGRAMS[-1].parent, free_port()
    # A test's own folder is root's alone.
    folder = Path(tempfile.mkdtemp(prefix="hf-assets-postgres-", dir="/tmp"))
    prefix: list[str] = []
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    try:
        given = folder / "password"
        given.write_text(PASSWORD)
        given.chmod(0o644)
        # Tests cut no power.
        initdb = ["-D", f"{folder}/data", "-U", "hf_assets", f"--pwfile={given}", "--no-sync"]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        made = subprocess.run(
            [*prefix, programs / "initdb", *initdb, "-A", "scram-sha-256", "-E", "UTF8"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr
        options = ["-D", f"{folder}/data", "-p", str(port), "-k", str(folder), "-c", "fsync=off"]
        command = [*prefix, str(programs / "postgres"), *options]
        variables = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGUSER": "hf_assets",
            "PGPASSWORD": PASSWORD,
            "PGDATABASE": "postgres",
        }
        yield Process("postgres", command, environment, 1.0, 0.0), variables
    finally:
        shutil.rmtree(folder)
