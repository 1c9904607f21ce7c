"""`dg launch`, which says in a line what it cannot run: Dagster itself shows a stack trace.

Nothing is imported before it is needed: a run's processes import this module once more.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from hf_assets.errors import clean

MODULE = "hf_assets.definitions"
WRONG_USAGE = 2
# Assets that a message names at most.
_NAMED = 5
# By asset, or of the job: its partitions, None where it has none.
Partitions = Mapping[str, Any]


def main(words: Sequence[str]) -> int:
    """Run it with these options; the exit status, 2 where it cannot.

    Args:
        words: options of `dg launch`.
    """
    import click
    from dagster_dg_cli.cli import ENV_PREFIX, cli
    from dagster_dg_cli.cli.launch import launch_command

    try:
        given = launch_command.make_context("launch", [*words]).params
    except click.ClickException:
        given = {}  # `dg launch` has words for it
    options = (given.get(name) for name in ("assets", "job", "partition", "partition_range"))
    if why := problem(*options):
        click.echo(f"Error: {why}", err=True)
        return WRONG_USAGE
    return cli.main(["launch", "-m", MODULE, *words], auto_envvar_prefix=ENV_PREFIX)


def problem(
    assets: str | None, job: str | None, partition: str | None, days: str | None
) -> str | None:
    """Why this cannot be run; None where it can, or Dagster itself has words for it.

    Args:
        assets: selections between commas.
        job: the name of a job.
        partition: a partition.
        days: first and last partition of a range, three dots between.
    """
    from hf_assets.definitions import defs

    if (assets is None) == (job is None):
        return None
    if partition and days:
        return "give --partition or --partition-range, one of them"
    if days and (len(ends := days.split("...")) != 2 or ends[0] > ends[1]):
        return f"--partition-range is FIRST...LAST, the earlier day first: not {clean(days, 80)!r}"
    try:
        wanted = _of_assets(defs(), assets) if job is None else _of_job(defs(), job)
        return _misfit(wanted, partition, days)
    except ValueError as error:
        return str(error)


def _of_job(graph: Any, name: str) -> Partitions:
    """The partitions of a job. ValueError: there is none of that name."""
    jobs = {one.name: one for one in graph.resolve_all_job_defs() if not one.name.startswith("__")}
    if name not in jobs:
        raise ValueError(f"there is no job {clean(name, 80)!r}: {', '.join(sorted(jobs))}")
    return {name: jobs[name].partitions_def}


def _of_assets(graph: Any, assets: str | None) -> Partitions:
    """The partitions of the selected assets. ValueError: none is selected."""
    import dagster as dg

    known = graph.resolve_asset_graph()
    said = f"--assets {clean(assets, 80)!r} selects nothing"
    try:
        keys = dg.AssetSelection.from_coercible((assets or "").split(",")).resolve(known)
    except dg.DagsterError as error:
        raise ValueError(f"{said}: {clean(str(error).partition('. ')[0], 300)}") from None
    if not keys:
        raise ValueError(said)
    return {key.to_user_string(): known.get(key).partitions_def for key in sorted(keys)}


def _misfit(wanted: Partitions, partition: str | None, days: str | None) -> str | None:
    """Why these partitions are none of the assets, or of the job."""
    kinds = {one.get_serializable_unique_identifier(): one for one in wanted.values() if one}
    parted = _names([name for name, one in wanted.items() if one])
    if len(kinds) > 1:
        return f"days and base models cannot be launched together: {parted} have both"
    whole = _names([name for name, one in wanted.items() if not one])
    if not kinds:
        option = "--partition" if partition else "--partition-range"
        return f"{whole}: without partitions, so leave {option} out" if partition or days else None
    (sets,) = kinds.values()
    keys, daily = sets.get_partition_keys(), _is_daily(sets)
    if not partition and not days:
        if daily:
            example = f"--partition {keys[-1]}, or --partition-range {keys[-7:][0]}...{keys[-1]}"
            return f"name the day of {parted}: {example}"
        return f"name the base model of {parted}: --partition {keys[0]}, or {', '.join(keys[1:])}"
    if days and whole:
        return f"without partitions, so not together with a range: {whole}"
    if days and not daily:
        return f"one base model at a time: name it, as in --partition {keys[0]}"
    unknown = [end for end in (days or partition or "").split("...") if end not in keys]
    if unknown:
        there = f"from {keys[0]} to {keys[-1]}" if daily else ", ".join(keys)
        return f"{parted}: no partition {clean(unknown[0], 80)!r}; there are those {there}"
    return None


def _is_daily(sets: Any) -> bool:
    import dagster as dg

    return isinstance(sets, dg.TimeWindowPartitionsDefinition)


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
