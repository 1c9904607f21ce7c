"""The rule of a publication: what the Hub lists is what the lake has."""

from hf_assets.publishing.publication import Outcome
from hf_assets.rule_result import RuleResult

_SHOWN = 10


def published_matches(outcome: Outcome) -> RuleResult:
    """Passes where a publication would change nothing.

    Args:
        outcome: of a dry run.
    """
    facts = {
        "files_that_agree": outcome.unchanged,
        "files_that_differ": len(outcome.sent),
        "files_to_remove": len(outcome.removed),
    }
    if outcome.commit is None:
        return RuleResult(False, "There is no repository on the Hub.", facts)
    if not outcome.differs:
        text = f"The Hub lists the same {outcome.unchanged} files, by hash, at {outcome.commit}."
        return RuleResult(True, text, facts)
    named = ", ".join([*outcome.sent, *outcome.removed][:_SHOWN])
    text = (
        f"{len(outcome.sent)} files differ from what the Hub lists or are missing there, "
        f"{len(outcome.removed)} are there and not in the lake: {named}. Publish again."
    )
    return RuleResult(False, text, facts, severity="WARN")
