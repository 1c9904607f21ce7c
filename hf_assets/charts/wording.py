"""Widths of texts, and inert, short texts from outside.

Widths are in px of a sheet at 100 dpi.
"""

import unicodedata
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font, LoadFlags

DPI = 100


@lru_cache(maxsize=4)
def _font(bold: bool) -> FT2Font:
    properties = FontProperties(family=["DejaVu Sans"], weight="bold" if bold else "normal")
    font = FT2Font(findfont(properties))  # one of our own: drawing resizes matplotlib's
    font.set_size(100, 72)
    return font


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    return frozenset(_font(False).get_charmap()) & frozenset(_font(True).get_charmap())


def clean(text: str, limit: int = 120) -> str:
    """Text from outside as an inert line of at most `limit` characters, cut in the middle.

    Control and format characters (bidirectional overrides too) and stacked marks go, white space
    becomes a space, and a character without a glyph in the font becomes □.
    """
    if len(text) > 4 * limit:
        text = f"{text[: 2 * limit]}…{text[-2 * limit :]}"
    kept = []
    for char in unicodedata.normalize("NFC", text):
        if char.isspace():
            kept.append(" ")
        elif unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Mn", "Me"}:
            kept.append(char if ord(char) in _glyphs() else "□")
    line = " ".join("".join(kept).split()) or "(blank)"
    return line if len(line) <= limit else _middle(line, limit - 1)


def _middle(text: str, keep: int) -> str:
    head = (keep + 1) // 2
    return f"{text[:head].rstrip()}…{text[len(text) - (keep - head) :].lstrip()}"


@lru_cache(maxsize=4096)
def _advance(char: str, bold: bool) -> float:
    # Unhinted and without kerning, hence a little wide; shaping each label twice costs 0.4 ms.
    glyph = _font(bold).load_char(ord(char), flags=LoadFlags.NO_HINTING)
    return glyph.linearHoriAdvance / 65536 / 100


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width in px of a line at `size` points."""
    return sum(_advance(char, bold) for char in text) * size * DPI / 72


def fit(text: str, size: float, width: float, bold: bool = False) -> str:
    """`text`, or its two ends around "…", so that it takes at most `width` px."""
    if text_width(text, size, bold) <= width:
        return text
    low, high = 0, len(text)
    while high - low > 1:
        half = (low + high) // 2
        low, high = (
            (half, high) if text_width(_middle(text, half), size, bold) <= width else (low, half)
        )
    return _middle(text, low)


def wrapped(text: str, size: float, width: float, bold: bool = False) -> list[str]:
    """`text` in lines of at most `width` px."""
    lines = [""]
    for word in text.split(" "):
        word = fit(word, size, width, bold)
        joined = f"{lines[-1]} {word}".lstrip()
        if text_width(joined, size, bold) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return lines
