"""`python -m hf_assets.demo`: the embedded Hub alone, a whole day from it, or the UI against it."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq
from starlette.applications import Starlette

from hf_assets.demo.faults import Faults
from hf_assets.demo.generator import GeneratedHub
from hf_assets.demo.hub import create_app
from hf_assets.demo.recorded import RecordedHub
from hf_assets.demo.server import LoopbackServer
from hf_assets.lake import FOOTER_KEY, today

PROJECT = Path(__file__).resolve().parents[2]
# The generated Hub has its sizes on this day, and is one and the same whenever it is started.
SIZED_ON = date(2026, 11, 1)
# The demo must not stop at the Hub's own 500 requests in five minutes.
DEMO_RATE = 10_000
UI_PORT = 3000


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _parser().parse_args(argv)
    try:
        return options.command(options)
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hf_assets.demo", description=__doc__)
    commands = parser.add_subparsers(required=True)
    hub = argparse.ArgumentParser(add_help=False)
    hub.add_argument("--models", default="30000", help="about how many to generate, or a JSON file")
    hub.add_argument("--spaces", default="12000", help="about how many to generate, or a JSON file")
    hub.add_argument("--seed", type=int, default=0, help="another seed is another Hub")
    hub.add_argument("--port", type=int, default=0, help="of the embedded Hub; 0: any free one")
    hub.add_argument("--rate-limit", type=int, default=DEMO_RATE, help="requests in five minutes")
    hub.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    hub.add_argument("--faults", default="", help="what goes wrong, e.g. 429:5@3,503:2")
    lake = argparse.ArgumentParser(add_help=False)
    lake.add_argument("--data", type=Path, default=Path("data/demo"), help="the demo's data root")

    serve = commands.add_parser("serve", parents=[hub], help="the embedded Hub alone")
    serve.set_defaults(command=_serve)
    run = commands.add_parser("run", parents=[hub, lake], help="today, from listing to figures")
    run.set_defaults(command=_run)
    dev = commands.add_parser("dev", parents=[hub, lake], help="the Dagster UI against it")
    dev.add_argument("--ui-port", type=int, default=UI_PORT)
    dev.set_defaults(command=_dev)
    return parser


@contextmanager
def _embedded(options: argparse.Namespace) -> Generator[LoopbackServer]:
    """The embedded Hub over generated rows, or over recorded ones where a file is named."""
    try:
        server = LoopbackServer(_app(options), options.port)
    except (OSError, ValueError) as error:
        print(f"python -m hf_assets.demo: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    with server:
        yield server


def _app(options: argparse.Namespace) -> Starlette:
    if options.models.isdigit() and options.spaces.isdigit():
        source = GeneratedHub(
            int(options.models), int(options.spaces), options.seed, sized_on=SIZED_ON
        )
    else:
        files = {
            kind: None if given.isdigit() else Path(given)
            for kind, given in (("models", options.models), ("spaces", options.spaces))
        }
        source = RecordedHub(**files)
    return create_app(
        source,
        Faults.parse(options.faults),
        rate_limit=options.rate_limit,
        latency=options.latency,
    )


def _serve(options: argparse.Namespace) -> int:
    with _embedded(options) as server:
        print(f"The embedded Hub: HF_ENDPOINT={server.url} (ctrl-c stops it)", flush=True)
        server.wait()
    return 0


def _run(options: argparse.Namespace) -> int:
    day, data = today(), options.data.resolve()
    log = data / "demo.log"
    print(f"hf_assets demo: {day} (UTC) from an embedded Hub into {_near(data)}", flush=True)
    began = time.monotonic()
    with _embedded(options) as server:
        environment = _environment(data, server.url)
        command = [_tool("dg"), "launch", "--assets", "*", "--partition", day]
        with log.open("w") as out:
            done = subprocess.run(
                command, cwd=PROJECT, env=environment, stdout=out, stderr=subprocess.STDOUT
            )
    if done.returncode:
        print(f"The run failed; the end of {_near(log)}:\n", file=sys.stderr)
        print("\n".join(log.read_text().splitlines()[-30:]), file=sys.stderr)
        return done.returncode
    _summary(data, day)
    _what_next(data, day, time.monotonic() - began)
    return 0


def _dev(options: argparse.Namespace) -> int:
    data = options.data.resolve()
    with _embedded(options) as server:
        print(
            f"The embedded Hub is at {server.url}; the UI will be at "
            f"http://localhost:{options.ui_port} (ctrl-c stops both)",
            flush=True,
        )
        command = [_tool("dagster"), "dev", "-w", "workspace.yaml", "-p", str(options.ui_port)]
        return subprocess.call(command, cwd=PROJECT, env=_environment(data, server.url))


def _environment(data: Path, endpoint: str) -> dict[str, str]:
    """Where a run against the embedded Hub keeps everything: under `data`, nothing elsewhere."""
    home = data / "dagster_home"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT / "dagster.yaml", home / "dagster.yaml")
    clean = {key: value for key, value in os.environ.items() if key != "HF_TOKEN"}
    return clean | {
        "DAGSTER_HOME": str(home),
        "HF_ASSETS_DATA": str(data),
        "HF_ENDPOINT": endpoint,
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "HF_HOME": str(data / "hf_home"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }


def _tool(name: str) -> str:
    """A command of this environment."""
    return str(Path(sys.executable).with_name(name))


def _summary(data: Path, day: str) -> None:
    print(f"\n{'asset':<18}{'rows':>9}{'seconds':>9}  file")
    for asset in ("raw_models", "raw_spaces"):
        path = data / asset / f"day={day}" / "capture.json"
        facts = json.loads(path.read_bytes())
        seconds = _seconds(facts["started"], facts["finished"])
        print(f"{asset:<18}{facts['rows']:>9,}{seconds:>9.1f}  {_near(path)}")
    for path in sorted(data.glob(f"*/day={day}/data.parquet"), key=lambda p: p.stat().st_mtime):
        footer = pq.read_metadata(path)
        seconds = json.loads((footer.metadata or {}).get(FOOTER_KEY.encode(), b"{}"))["seconds"]
        asset = path.parent.parent.name
        print(f"{asset:<18}{footer.num_rows:>9,}{seconds:>9.1f}  {_near(path)}")
    figures = sorted((data / "snapshot_figures" / f"day={day}").glob("*.png"))
    print(f"{'snapshot_figures':<18}{len(figures):>9}{'':>9}  {_near(figures[0].parent)}/*.png")


def _what_next(data: Path, day: str, seconds: float) -> None:
    print(
        f"""
Done in {seconds:.0f} s. Look at the figures in {_near(data / "snapshot_figures" / f"day={day}")}/

Next
  make dev-demo       the same in the Dagster UI: lineage, checks, history, the gallery of figures
  make dev            the UI on the real Hub; HF_TOKEN=hf_... doubles what it may ask for
                      (then: Lineage > Materialize all, partition {day})
"""
    )


def _seconds(started: str, finished: str) -> float:
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()


def _near(path: Path) -> str:
    """A path as one would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    sys.exit(main())
