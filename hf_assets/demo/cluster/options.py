"""The options of `hf-assets cluster-demo`."""

import argparse
from pathlib import Path

ABOUT = """Build the demo on a cluster of this machine, and compare it with a single machine's.

PostgreSQL holds Dagster's record and the locks, an S3 store the lake, and two Ray nodes take the
runs. The same days are then built by one process after another into a folder, and every table is
compared row by row. Nothing leaves the machine; all that was started is stopped.
"""
PROG = "hf-assets cluster-demo"


def parser(prog: str = PROG) -> argparse.ArgumentParser:
    """The parser."""
    options = argparse.ArgumentParser(
        prog=prog, description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = options.add_argument
    add("--days", type=int, default=30, help="how many past days (30)")
    add("--models", type=int, default=400, help="about how many to generate (400)")
    add("--seed", type=int, default=0, help="another seed is another Hub")
    add("--runs", type=int, default=2, help="how many runs the past days are cut into (2)")
    add("--no-labels", action="store_true", help="without texts, corpora and classifiers")
    add("--data", type=Path, default=Path("data/cluster-demo"),
        help="scratch folder, replaced (data/cluster-demo)")  # fmt: skip
    add(
        "--keep", action="store_true", help="leave both lakes and the logs; with PGHOST, the record"
    )
    add("--stay", action="store_true", help="serve Dagster's UI and Ray's page until Control-C")
    add("--folder", action="store_true", help="the cluster's lake in a shared folder, not on S3")
    return options
