"""Numbers for people: short, exact, as shares and in sentences."""

import math
from collections.abc import Callable

MINUS = "\u2212"


def human(value: float) -> str:
    """Three significant digits for people: 277, 1.2k, 95.6M, 3.5B, 12T. Never scientific."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    size = float(f"{abs(value) * (1 + 1e-12):.2e}")  # a half goes up: 2645 is 2.65k
    sign = MINUS if value < 0 and size else ""
    for step, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= step:
            scaled = size / step
            return sign + (f"{scaled:.3g}" if scaled < 1000 else exact(scaled)) + letter
    if 0 < size < 1e-4:
        return f"{sign}<0.0001"
    return sign + f"{size:.6f}".rstrip("0").rstrip(".")


def exact(value: float) -> str:
    """A whole number in groups of three: 1 234 567, with spaces that do not break."""
    return f"{round(value):,}".replace(",", "\u00a0")


def in_words(value: float) -> str:
    """A number inside a sentence: every digit below 10 000, `human` from there on."""
    whole = abs(value) < 10_000 and float(value).is_integer()
    return exact(value).replace("-", MINUS) if whole else human(value)


def percent(part: float, whole: float) -> str:
    """A share for people: 57%, 4.2%, <0.1%; "0%" of nothing. 100% only if it is all."""
    share = 100 * part / whole if whole else 0.0
    if 0 < share < 0.1:
        return "<0.1%"
    if 99.9 < share < 100:
        return ">99.9%"
    digits = 1 if share < 10 or 99 <= share < 100 else 0
    text = f"{share:.{digits}f}"
    return (text.removesuffix(".0") if digits else text) + "%"


def plural(n: float, one: str, many: str = "", number: Callable[[float], str] = in_words) -> str:
    """Such as "1 model", "2 models", "0 models"; `many` where an s does not do."""
    return f"{number(n)}\u00a0{one if n == 1 else many or one + 's'}"
