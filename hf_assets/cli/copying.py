"""`hf-assets copy`: what it says."""

import click

from hf_assets.cli.status import size
from hf_assets.copying.copy import Copy, Summary
from hf_assets.object_store.listing import folder_names
from hf_assets.object_store.local import local_root
from hf_assets.object_store.path import LakePath, require_store, uri

# Names of a kind that a line shows.
SHOWN = 5


def copy_lake(source: LakePath, target: LakePath, *, check: bool) -> int:
    """Copy, or compare, and print what was done; the exit status."""
    source, target = source.resolve(), target.resolve()
    one, other = (f"{uri(path)}/" for path in (source, target))
    if one.startswith(other) or other.startswith(one):
        raise click.BadParameter("a lake cannot be copied into itself", param_hint="TO")
    for lake in (source, target):
        require_store(lake)
    if not folder_names(source):
        raise click.ClickException(f"nothing is stored in {source}")
    if not check:
        _begin(source, target)
    summary = Copy(source, target, check=check, log=click.echo).run()
    click.echo("\n".join(_lines(summary, check=check)))
    return 0 if summary.complete else 1


def _begin(source: LakePath, target: LakePath) -> None:
    """Create a folder that is as private as the source: what comes from a store is its owner's."""
    there, folder = local_root(source), local_root(target)
    if folder and not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        folder.chmod(there.stat().st_mode & 0o777 if there else 0o700)


def _lines(summary: Summary, *, check: bool) -> list[str]:
    counts = summary.counts
    there = f"{counts['files there']:,} files ({size(counts['bytes there'])})"
    other = f"{counts['files copied']:,} files ({size(counts['bytes copied'])})"
    lines = [
        "",
        f"Copied: {other}",
        f"There before: {there}",
        "Verified: by SHA-256 while copying and the hash of the store, and "
        f"{counts['read back']:,} objects, of which a store has no MD5, by reading them back",
    ]
    if check:
        lines = ["", f"Equal: {there}", f"Missing or different in TO: {other}"]
    lines += [f"Differs: {name}" for name in summary.differing]
    for reason, names in summary.left_out.items():
        more = ", …" if len(names) > SHOWN else ""
        lines.append(f"Left out, {reason}: {len(names):,} ({', '.join(names[:SHOWN])}{more})")
    lines += [f"Not copied: {name}: {why}" for name, why in summary.failed.items()]
    if summary.failed:
        lines.append("Run this again: what was copied is not sent twice")
    return lines
