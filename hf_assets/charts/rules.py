"""Rules of drawn figures."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from hf_assets.rule_result import RuleResult


def figures_drawn(folder: Path, names: Iterable[str]) -> RuleResult:
    """Every figure is there as SVG and as a PNG that opens and shows something.

    A day that an earlier version drew lacks the figures that were added since.

    Args:
        folder: of the figures.
        names: of the registry.
    """
    wanted = list(names)
    faults = {name: fault for name in wanted if (fault := _fault(folder, name))}
    text = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
    metadata = {"figures": len(wanted), "faulty": len(faults)}
    if faults:
        return RuleResult(False, f"{text}. Draw them again.", metadata, severity="WARN")
    return RuleResult(True, f"{len(wanted)} figures, each with a picture.", metadata)


def _fault(folder: Path, name: str) -> str:
    """What is wrong with the files of a figure; empty where nothing is."""
    lacking = [end for end in ("png", "svg") if not (folder / f"{name}.{end}").is_file()]
    if lacking:
        return f"no {' and no '.join(lacking)}"
    try:
        with Image.open(folder / f"{name}.png") as image:
            colors = image.getcolors(1)
    except (OSError, SyntaxError) as error:  # Pillow raises both for a torn PNG
        return f"the PNG cannot be read ({type(error).__name__})"
    if colors is not None:
        return "the picture is blank"
    return "" if (folder / f"{name}.svg").stat().st_size else "the SVG is empty"
