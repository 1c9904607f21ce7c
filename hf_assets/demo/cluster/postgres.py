"""Dagster's record: the server that PG* variables name, or Debian's PostgreSQL on loopback."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hf_assets.demo.cluster.processes import ClusterError, free_ports, listens, server

PROGRAMS = Path("/usr/lib/postgresql")
# Debian's user; PostgreSQL refuses to run as root.
USER = "postgres"
_OWNER = "hf_assets"


@contextmanager
def record(folder: Path, *, keep: bool) -> Generator[dict[str, str]]:
    """The variables of libpq that name an empty database.

    With PGHOST set, it is a new database of that server, dropped at the end.

    Args:
        folder: of this machine, for the server's files; its user must reach it.
        keep: leave the database.

    Raises:
        ClusterError: there is no PostgreSQL, or it does not let us in.
    """
    if os.environ.get("PGHOST"):
        named = {name: value for name, value in os.environ.items() if name.startswith("PG")}
        with _database(
            {"PGPORT": "5432", "PGDATABASE": "postgres"} | named, keep=keep
        ) as variables:
            yield variables
        return
    with _started(folder) as variables, _database(variables, keep=keep) as ours:
        yield ours


@contextmanager
def _started(folder: Path) -> Generator[dict[str, str]]:
    programs = _programs()
    user = USER if os.getuid() == 0 else None
    folder.mkdir()
    if user:
        account = _account(user)
        os.chown(folder, account.pw_uid, account.pw_gid)
    password, environ = secrets.token_urlsafe(24), {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    (port,), log = free_ports(1), folder / "log"
    password_file = folder / "password"
    password_file.touch(0o600)
    password_file.write_text(password)
    if user:
        os.chown(password_file, account.pw_uid, account.pw_gid)
    options = [
        "-D",
        f"{folder}/data",
        "-U",
        _OWNER,
        f"--pwfile={password_file}",
        "-A",
        "scram-sha-256",
    ]
    created = subprocess.run(
        [programs / "initdb", *options, "-E", "UTF8"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        user=user,
        group=user,
        extra_groups=[] if user else None,
    )
    password_file.unlink()
    if created.returncode:
        raise ClusterError(f"initdb failed: {created.stderr.strip()[-500:]}")
    where = ["-D", f"{folder}/data", "-k", str(folder), "-p", str(port)]
    command = [str(programs / "postgres"), *where, "-c", "listen_addresses=127.0.0.1"]
    # SIGINT: without waiting for clients.
    with server(
        "PostgreSQL", command, environ, log, lambda: listens(port), user=user, stop=signal.SIGINT
    ):
        yield {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(port),
            "PGUSER": _OWNER,
            "PGPASSWORD": password,
            "PGDATABASE": "postgres",
        }


@contextmanager
def _database(variables: Mapping[str, str], *, keep: bool) -> Generator[dict[str, str]]:
    """A new database of that server; dropped at the end unless it is to be kept."""
    name = f"hf_assets_demo_{secrets.token_hex(4)}"
    _execute(variables, f"CREATE DATABASE {name}")
    try:
        yield dict(variables) | {"PGDATABASE": name}
    finally:
        if not keep:
            _execute(variables, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _execute(variables: Mapping[str, str], statement: str) -> None:
    import psycopg2

    arguments: dict[str, Any] = {
        "host": variables["PGHOST"],
        "port": variables["PGPORT"],
        "dbname": variables["PGDATABASE"],
        "user": variables.get("PGUSER"),
        "password": variables.get("PGPASSWORD"),
    }
    for attempt in range(40):
        try:
            with closing(psycopg2.connect(**arguments, connect_timeout=10)) as connection:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    cursor.execute(statement)
            return
        except psycopg2.OperationalError as error:
            # It listens before it lets anyone in.
            if "starting up" in str(error) and attempt < 39:
                time.sleep(0.25)
                continue
            raise ClusterError(
                f"PostgreSQL on {variables['PGHOST']}:{variables['PGPORT']} refuses: "
                f"{str(error).strip()}: look at PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE"
            ) from None
        except psycopg2.Error as error:
            raise ClusterError(
                f"PostgreSQL does not run {statement.split()[0]} DATABASE: {str(error).strip()}: "
                "give the user CREATEDB"
            ) from None


def _programs() -> Path:
    """The folder of the newest PostgreSQL's programs."""
    for one in sorted(PROGRAMS.glob("*/bin/initdb"), key=_version, reverse=True):
        return one.parent
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    raise ClusterError(
        "PostgreSQL is missing: apt-get install postgresql, or set PGHOST, PGUSER and PGPASSWORD "
        "to use a server that runs"
    )


def _version(program: Path) -> float:
    number = program.parent.parent.name
    return float(number) if number.replace(".", "", 1).isdigit() else 0.0


def _account(user: str) -> Any:
    try:
        return pwd.getpwnam(user)
    except KeyError:
        raise ClusterError(
            f"PostgreSQL does not run as root, and there is no user {user!r}: run the command as "
            "another user"
        ) from None
