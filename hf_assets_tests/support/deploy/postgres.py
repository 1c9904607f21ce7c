"""Postgres on a free port of loopback, as a user that is not root."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hf_assets_tests.support.deploy.read import Process
from hf_assets_tests.support.deploy.running import skip_without, until
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
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)}
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


class PostgresServer:
    """Postgres that can be killed and started again; `variables` name it."""

    def __init__(self, process: Process, variables: dict[str, str], log: Path) -> None:
        self.variables, self._process, self._log = variables, process, log
        self.start()

    def start(self) -> None:
        """Return when it answers."""
        with self._log.open("ab") as out:
            self._running = subprocess.Popen(
                self._process.command,
                env=self._process.environment,
                cwd=self._log.parent,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        until(lambda: self.ask("SELECT 1"), lambda: self._log.read_text()[-4000:], 60)

    def kill(self) -> None:
        """`kill -9` of all its processes, none of which sees another end before."""
        parent = self._running.pid
        os.kill(parent, signal.SIGSTOP)
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        os.kill(parent, signal.SIGKILL)
        self._running.wait()
        # Postgres does not start while a process of the one before still holds its memory.
        until(lambda: all(map(_has_ended, children)), lambda: f"{children} still run", 60)

    def stop(self) -> None:
        """Stop it, whoever is connected."""
        if self._running.poll() is None:
            self._running.send_signal(signal.SIGINT)
            self._running.wait(60)

    def ask(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of a statement; none where it has none. OSError while it is down."""
        import psycopg2

        names = ("host", "port", "user", "password", "dbname")
        variables = self.variables | {"PGDATABASE": database}
        try:
            with closing(
                psycopg2.connect(**dict(zip(names, variables.values(), strict=True)))
            ) as connection:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    return cursor.fetchall() if cursor.description else []
        except psycopg2.OperationalError as error:
            raise OSError(str(error)) from error

    def locks(self) -> list[str]:
        """The works of the advisory locks that are held."""
        rows = self.ask(
            "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE locktype = 'advisory' ORDER BY 1"
        )
        return [name.removeprefix("hf_assets: ") for (name,) in rows]

    @contextmanager
    def database(self, name: str) -> Generator[dict[str, str]]:
        """An empty database, which goes when the block ends: the variables that name it."""
        self.ask(f"CREATE DATABASE {name}")
        try:
            yield self.variables | {"PGDATABASE": name}
        finally:
            self.ask(f"DROP DATABASE {name} WITH (FORCE)")


def _has_ended(process: str) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


@contextmanager
def postgres_server() -> Generator[PostgresServer]:
    """A server that is up while the block runs."""
    with postgres() as (process, variables):
        server = PostgresServer(process, variables, Path(process.environment["HOME"]) / "log")
        try:
            yield server
        finally:
            server.stop()
