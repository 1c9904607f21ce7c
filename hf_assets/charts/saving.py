"""A figure as files: PNG, SVG and the small picture for the UI."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from hf_assets.charts.marks import house_style
from hf_assets.charts.wording import DPI

GALLERY_BYTES = 37_000  # as base64 just under 50 kB: what a picture may take in the event log
_FILE_DPI = 180  # 1800 px wide: halves exactly into the gallery's 900


@dataclass(frozen=True)
class Rendered:
    """The files of a figure. `png`: 1800 px wide. `svg`: text as text. `gallery`: ≤ 50 kB."""

    png: bytes
    svg: bytes
    gallery: bytes

    def write(self, folder: Path, name: str) -> None:
        """Write `name`.png and `name`.svg into a folder."""
        (folder / f"{name}.png").write_bytes(self.png)
        (folder / f"{name}.svg").write_bytes(self.svg)


def render(figure: Figure) -> Rendered:
    """Draw once with Agg and once as SVG; the gallery image is the PNG at half its size.

    The same figure gives the same bytes: no dates, fixed ids.
    """
    with house_style():
        image = _drawn(figure)
        svg = io.BytesIO()
        about = {"Title": str(figure.get_label()), "Creator": "hf_assets", "Date": None}
        figure.savefig(svg, format="svg", metadata=about)
    half = image.reduce(2)
    # A palette takes a third of the time and bytes of RGB, and looks the same.
    png = _png(image.quantize(palette=_palette(half, 256), dither=Image.Dither.NONE))
    return Rendered(png, svg.getvalue(), gallery_png(half))


def webp(figure: Figure) -> bytes:
    """A figure as lossless WebP for a page: two thirds of the PNG's bytes."""
    with house_style():
        image = _drawn(figure)
    flat = image.quantize(palette=_palette(image.reduce(2), 256), dither=Image.Dither.NONE)
    out = io.BytesIO()
    flat.convert("RGB").save(out, "webp", lossless=True, quality=60, method=3)
    return out.getvalue()


def _drawn(figure: Figure) -> Image.Image:
    """The figure as pixels of a file; the caller holds the house style."""
    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(_FILE_DPI)
    canvas.draw()
    size, pixels = canvas.get_width_height(), canvas.buffer_rgba()
    image = Image.frombuffer("RGBA", size, pixels, "raw", "RGBA", 0, 1).convert("RGB")
    figure.set_dpi(DPI)
    return image


def gallery_png(image: Image.Image, limit: int = GALLERY_BYTES) -> bytes:
    """An RGB image as a palette PNG of at most `limit` bytes: fewer colours, then fewer pixels.

    A limit under some 100 bytes, which no PNG meets, gives a single pixel.
    """
    while True:
        for colors in (128, 32):
            palette = _palette(image, colors)
            data = _png(image.quantize(palette=palette, dither=Image.Dither.NONE))
            if len(data) <= limit or image.size == (1, 1):
                return data
        size = (max(1, image.width * 3 // 4), max(1, image.height * 3 // 4))
        image = image.resize(size, Image.Resampling.LANCZOS)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "png", compress_level=5)  # 6 saves 1 % and takes a fifth longer
    return out.getvalue()


def _palette(image: Image.Image, colors: int) -> Image.Image:
    """The flat colours of `image` exactly (white stays white), an octree's for the edges."""
    sample = image.resize((-(-image.width // 4), -(-image.height // 4)), Image.Resampling.NEAREST)
    counted = sample.getcolors(sample.width * sample.height) or []
    flat = [color for _, color in sorted(counted, reverse=True)[: colors // 4]]
    edges = image.quantize(colors * 3 // 4, Image.Quantize.FASTOCTREE).getpalette() or []
    wanted = np.vstack([flat, np.reshape(edges, (-1, 3))]).astype(np.int16)
    kept = wanted[:1]
    for color in wanted[1:]:
        # Pillow looks colours up in cells of 4 levels: a neighbour this near would take the place.
        if np.abs(kept - color).max(axis=1).min() >= 9:
            kept = np.vstack([kept, color])
    palette = Image.new("P", (1, 1))
    palette.putpalette(kept.ravel().tolist())
    return palette
