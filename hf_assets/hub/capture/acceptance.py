"""Whether a capture may become its day's: what a blocking check would reject is none.

A Hub answers once with `[]`, with numbers, or with a third of its rows and no next link. Were that
the day's capture, every later run of the day would ask nothing and fail again. What it answers
twice is believed where only other days contradict it: it is kept, and the check stops what follows.
"""

from collections.abc import Iterator

from hf_assets.hub.capture_store.attempt import rejected_rows
from hf_assets.hub.capture_store.capture import MARKER, Capture, open_capture
from hf_assets.hub.quality import rules as quality
from hf_assets.rule_result import RuleResult

# Two listings of one day whose rows differ by a smaller share say the same.
SAME = 0.02


def objection(capture: Capture, day: str) -> str | None:
    """Why a blocking check of captures stops this one; None where none does.

    Args:
        capture: of that day, in the lake or on its way into it.
        day: the partition key.
    """
    return next((says for says, _ in _blocking(capture, day)), None)


def said_twice(capture: Capture, day: str) -> bool:
    """Whether only other days speak against this capture, and the Hub said the same before.

    The days it is compared with may be the odd ones, or the Hub have shrunk. The Hub's own count is
    of the same answer: what it contradicts is not believed however often it comes.

    Args:
        capture: of that day, on its way into the lake.
        day: the partition key.
    """
    if any(rule != "not_partial" for _, rule in _blocking(capture, day)):
        return False
    kept = open_capture(capture.folder)
    before = [rejected_rows(capture.folder), kept.distinct if kept and kept.said_twice else None]
    return any(rows and abs(capture.distinct - rows) <= SAME * rows for rows in before)


def _blocking(capture: Capture, day: str) -> Iterator[tuple[str, str]]:
    """What each blocking check that stops the capture says, and its name."""
    rules = zip(("capture_complete", "not_partial"), _verdicts(capture, day), strict=True)
    return (
        (one.description, rule) for rule, one in rules if not (one.passed or one.severity == "WARN")
    )


def _verdicts(capture: Capture, day: str) -> Iterator[RuleResult]:
    yield quality.capture_complete(capture)
    captures = {day: capture}
    for marker in capture.folder.parent.glob(f"day=*/{MARKER}"):
        other = marker.parent.name.removeprefix("day=")
        if other != day and (known := open_capture(marker.parent)):
            captures[other] = known
    yield quality.partial_days(dict(sorted(captures.items())), [day])[day]
