"""The rule of drawn figures: it passes pictures, and finds missing, torn and blank ones."""

from pathlib import Path

import pytest
from PIL import Image

from hf_assets.charts.rules import figures_drawn

NAMES = ("shares", "ranks")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        picture = Image.new("RGB", (40, 20), "white")
        picture.putpixel((3, 4), (200, 0, 0))
        picture.quantize(8).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.svg").write_text("<svg/>")
    return tmp_path


def test_pictures_pass(folder: Path) -> None:
    result = figures_drawn(folder, NAMES)
    assert (result.passed, result.metadata) == (True, {"figures": 2, "faulty": 0})


def test_a_figure_added_since_is_missing(folder: Path) -> None:
    result = figures_drawn(folder, [*NAMES, "new"])
    assert (result.passed, result.severity) == (False, "WARN")
    assert "new: no png and no svg" in result.description


def test_a_torn_picture_fails(folder: Path) -> None:
    path = folder / "ranks.png"
    path.write_bytes(path.read_bytes()[:60])
    assert "ranks: the PNG cannot be read" in figures_drawn(folder, NAMES).description
    path.write_bytes(b"")
    assert not figures_drawn(folder, NAMES).passed


@pytest.mark.parametrize("mode", ["RGB", "P"])
def test_a_blank_picture_fails(folder: Path, mode: str) -> None:
    Image.new(mode, (40, 20)).save(folder / "ranks.png")
    assert "ranks: the picture is blank" in figures_drawn(folder, NAMES).description


def test_an_empty_svg_fails(folder: Path) -> None:
    (folder / "shares.svg").write_text("")
    assert "shares: the SVG is empty" in figures_drawn(folder, NAMES).description
