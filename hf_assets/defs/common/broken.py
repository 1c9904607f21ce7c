"""What stands under `defs/` and cannot be loaded: an asset with a failing check, in place of it.

Dagster gives up the complete code location for one defs.yaml that it cannot read. The Hub has to be
captured all the same.
"""

import re
import zlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import dagster as dg
from dagster.components.definitions import LazyDefinitions

from hf_assets.errors import clean

_FILES = ("defs.yaml", "defs.yml", "component.yaml")


def broken_component(name: str, file: str, problem: str) -> dg.Definitions:
    """An asset that stands for a component which cannot be built; its check fails with the reason.

    A sensor runs the check once for each reason: nobody else does.

    Args:
        name: of its folder, below `defs/`; a key is made of it.
        file: its defs.yaml, with a line where there is one.
        problem: what is wrong, and what to do.
    """
    dg.get_dagster_logger().warning(problem)
    word = re.sub(r"[^A-Za-z0-9]+", "_", name)[:60]
    # Two names may become the same word, and two assets with one key are an error.
    key = f"component_{word}" if word == name else f"component_{word}_{zlib.crc32(name.encode()):x}"
    asset = dg.AssetSpec(
        key,
        group_name="configuration",
        description=f"The component in {file}, which cannot be built: see its check.",
        metadata={"file": dg.MetadataValue.path(file)},
    )

    @dg.asset_check(asset=key, name="entry_valid", description=problem)
    def entry_valid() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False, description=problem)

    @dg.sensor(
        name=f"check_{key}",
        target=dg.AssetSelection.checks(entry_valid),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Runs the check of {key} once, so that it is shown as failing.",
    )
    def run_check() -> dg.RunRequest:
        return dg.RunRequest(run_key=f"{zlib.crc32(problem.encode()):x}")

    return dg.Definitions(assets=[asset], asset_checks=[entry_valid], sensors=[run_check])


def without_broken_files(defs_module: ModuleType, project_root: Path) -> dg.Definitions | None:
    """All that can be loaded under `defs/`, where the complete tree cannot.

    Args:
        defs_module: the package `defs`.
        project_root: the folder of the project.

    Returns:
        None where no defs.yaml is to blame.
    """
    folder, name = Path(defs_module.__path__[0]), defs_module.__name__
    if not _has_files(folder):
        return None
    return dg.Definitions.merge(*_parts(folder, name, folder, project_root))


def _has_files(folder: Path) -> bool:
    return any(path for file in _FILES for path in folder.rglob(file))


def _parts(folder: Path, name: str, root: Path, project_root: Path) -> Iterator[dg.Definitions]:
    """The definitions of each module and folder in a folder."""
    for child in sorted(folder.iterdir()):
        if child.name.startswith((".", "__")):
            continue
        if child.is_dir():
            yield from _loaded(child, f"{name}.{child.name}", root, project_root)
        elif child.suffix == ".py":
            yield _of_module(import_module(f"{name}.{child.stem}"))


def _of_module(module: ModuleType) -> dg.Definitions:
    lazy = [value for value in vars(module).values() if isinstance(value, LazyDefinitions)]
    if lazy:
        return dg.Definitions.merge(*(one() for one in lazy))
    return dg.load_definitions_from_module(module)


def _loaded(folder: Path, module: str, root: Path, project_root: Path) -> Iterator[dg.Definitions]:
    """The definitions of a folder; of what cannot be loaded in it, an asset that says so."""
    # Not imported: a folder of YAML needs no name that Python could import.
    package = ModuleType(module)
    package.__file__, package.__path__ = None, [str(folder)]
    try:
        yield dg.ComponentTree(defs_module=package, project_root=project_root).build_defs(folder)
    except Exception as error:
        file = next((folder / name for name in _FILES if (folder / name).exists()), None)
        # Only files of others are left out; Python is the package's own.
        if not _has_files(folder) or (file and any(folder.rglob("*.py"))):
            raise
        if file:
            name = folder.relative_to(root).as_posix()
            yield broken_component(name, str(file), f"{clean(file)}: {_reason(error)}")
            return
        yield from _parts(folder, module, root, project_root)


def _reason(error: BaseException) -> str:
    """The error that began it, in words."""
    while error.__cause__:
        error = error.__cause__
    return clean(error, 1000)
