"""Whether a capture may become its day's: never one that a blocking check would reject.

A Hub answers once with `[]`, with numbers, or with a third of its rows and no next link. Were that
the day's capture, every later run of the day would ask nothing and fail again. An answer that comes
twice is believed where only other days contradict it: it is kept, and the check stops what follows.
"""

from collections.abc import Iterator

from hf_assets.hub.capture_store.capture import Capture
from hf_assets.hub.capture_store.store import ESSENTIAL, CaptureStore
from hf_assets.hub.quality import rules as quality
from hf_assets.rule_result import RuleResult

# Two listings of one day whose rows differ by a smaller share say the same.
SAME = 0.02


def objection(store: CaptureStore, day: str, capture: Capture) -> str | None:
    """Why a blocking check of captures stops this one; None where none does.

    Args:
        store: of the listing.
        day: the partition key.
        capture: of that day, in the lake or on its way into it.
    """
    return next((description for description, _ in _blocking(store, day, capture)), None)


def answered_twice(store: CaptureStore, day: str, capture: Capture) -> bool:
    """Whether only other days contradict this capture, and the Hub gave the same answer before.

    The days it is compared with may be the wrong ones, or the Hub may have shrunk. The Hub's own
    count is of the same answer: what it contradicts is not believed however often it comes.

    Args:
        store: of the listing.
        day: the partition key.
        capture: of that day, on its way into the lake.
    """
    if any(rule != "not_partial" for _, rule in _blocking(store, day, capture)):
        return False
    kept = store.complete(day)
    before = [store.rejected_rows(day), kept.distinct if kept and kept.answered_twice else None]
    return any(rows and abs(capture.distinct - rows) <= SAME * rows for rows in before)


def no_such_rows(store: CaptureStore, capture: Capture) -> bool:
    """Whether a listing without rows is right: a mirror, or a recorded Hub, may have none of them.

    Not of models or Spaces, without which a Hub is none, and not after a day that had some.

    Args:
        store: of the listing.
        capture: of its newest day, on its way into the lake.
    """
    if capture.rows or capture.manifest.total != 0 or store.asset in ESSENTIAL:
        return False
    return not any(other.rows for other in store.captures().values())


def _blocking(store: CaptureStore, day: str, capture: Capture) -> Iterator[tuple[str, str]]:
    """The description of each blocking check that stops the capture, and its name."""
    rules = zip(("capture_complete", "not_partial"), _results(store, day, capture), strict=True)
    return (
        (one.description, rule) for rule, one in rules if not (one.passed or one.severity == "WARN")
    )


def _results(store: CaptureStore, day: str, capture: Capture) -> Iterator[RuleResult]:
    yield quality.capture_complete(capture)
    captures = store.captures() | {day: capture}
    yield quality.partial_days(dict(sorted(captures.items())), [day])[day]
