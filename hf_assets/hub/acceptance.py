"""Whether a capture may become its day's: what a blocking check would reject is none.

A Hub answers once with `[]`, with numbers, or with a third of its rows and no next link. Were that
the day's capture, every later run of the day would ask nothing and fail again.
"""

from collections.abc import Iterator

from hf_assets.hub import quality
from hf_assets.hub.capture import MARKER, Capture, open_capture
from hf_assets.verdict import Verdict


def objection(capture: Capture, day: str) -> str | None:
    """Why a blocking check of captures stops this one; None where none does.

    Args:
        capture: of that day, in the lake or on its way into it.
        day: the partition key.
    """
    return next((one.says for one in _verdicts(capture, day) if not (one.passed or one.warn)), None)


def _verdicts(capture: Capture, day: str) -> Iterator[Verdict]:
    yield quality.capture_complete(capture)
    captures = {day: capture}
    for marker in capture.folder.parent.glob(f"day=*/{MARKER}"):
        other = marker.parent.name.removeprefix("day=")
        if other != day and (known := open_capture(marker.parent)):
            captures[other] = known
    yield quality.partial_days(dict(sorted(captures.items())), [day])[day]
