"""Labels of points, so that none covers another, a point or the frame."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from matplotlib.axes import Axes

from hf_assets.charts.marks import FAINT, INK
from hf_assets.charts.wording import DPI, text_width

SIZE, LINE = 9.0, 15.0  # points of the letters, px of a line
_POINT = 72 / DPI  # points a px
_REACH = (0, 1, -1, 2, -2, 3, -3, 4, -4, 6, -6, 8, -8, 10, -10)  # lines up or down
_NEAR = 9  # px from a point to its name
_LEADER = 24  # px from which a line leads to the name


@dataclass(frozen=True)
class Box:
    """A rectangle in px, y upwards."""

    left: float
    low: float
    right: float
    high: float

    def meets(self, other: "Box") -> bool:
        """Whether they share any px."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.low < other.high
            and other.low < self.high
        )

    def within(self, other: "Box") -> bool:
        """Whether all of it lies in the other."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.low >= other.low
            and self.high <= other.high
        )


def place(
    frame: Box, taken: Iterable[Box], points: Sequence[tuple[float, float, float]]
) -> list[Box | None]:
    """For each point (x, y, width of its name) the nearest free box; None where there is none.

    The boxes lie within the frame, and meet neither `taken` nor each other.
    """
    full = list(taken)
    found: list[Box | None] = []
    for x, y, width in points:
        tries = []
        for lines, side in product(_REACH, (1, 0, -1)):
            if side == 0 and lines == 0:
                continue
            rise = lines * LINE + (0 if side else 4 * (lines > 0) - 4 * (lines < 0))
            left = x + (_NEAR if side > 0 else -_NEAR - width if side < 0 else -width / 2)
            box = Box(left, y + rise - LINE / 2, left + width, y + rise + LINE / 2)
            tries.append((abs(rise) + 3 * (side < 0) + 6 * (side == 0), box))
        tries.sort(key=lambda one: one[0])
        free = (b for _, b in tries if b.within(frame) and not any(map(b.meets, full)))
        box = next(free, None)
        found.append(box)
        if box:
            full.append(box)
    return found


def write_names(
    axes: Axes, named: Sequence[tuple[float, float, str]], taken: Iterable[Box], frame: Box
) -> None:
    """Write each name (x and y of its point in data, text) where there is room.

    A name without room is left out; its point stays.
    """
    at = [axes.transData.transform((x, y)) for x, y, _ in named]
    wanted = [
        (float(x), float(y), text_width(name, SIZE))
        for (x, y), (_, _, name) in zip(at, named, strict=True)
    ]
    for (x, y, name), (px, py, _), box in zip(
        named, wanted, place(frame, taken, wanted), strict=True
    ):
        if box is None:
            continue
        dx, dy = box.left - px, (box.low + box.high) / 2 - py
        if abs(dy) > _LEADER:
            nearest = min(max(px, box.left), box.right)
            end = (nearest - px, dy - (LINE / 2 if dy > 0 else -LINE / 2))
            axes.annotate(
                "", (x, y), (end[0] * _POINT, end[1] * _POINT), textcoords="offset points",
                arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.7, "shrinkA": 0,
                            "shrinkB": 5},
            )  # fmt: skip
        axes.annotate(
            name, (x, y), (dx * _POINT, dy * _POINT), textcoords="offset points", va="center",
            fontsize=SIZE, color=INK, parse_math=False, zorder=2.2,
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip
