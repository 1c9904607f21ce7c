"""The rules of publications: what the Hub lists is what is stored here."""

from hf_assets.publishing.publication import Outcome
from hf_assets.publishing.repository import Changes
from hf_assets.publishing.tagger import TaggerOutcome
from hf_assets.rule_result import RuleResult

_SHOWN = 10


def published_matches(outcome: Outcome) -> RuleResult:
    """Passes where a publication would change nothing.

    Args:
        outcome: of a dry run.
    """
    facts = _counts(outcome)
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


def tagger_matches(outcome: TaggerOutcome) -> RuleResult:
    """Passes where a publication would change neither the model nor the Space.

    Args:
        outcome: of a dry run.
    """
    sides = {"model": outcome.model, "Space": outcome.space}
    facts = _counts(*sides.values())
    differ = {words: [*side.sent, *side.removed] for words, side in sides.items() if side.differs}
    if not differ:
        text = (
            f"The Hub lists the same {facts['files_that_agree']} files, by hash: the model at "
            f"{outcome.model.commit}, the Space at {outcome.space.commit}."
        )
        return RuleResult(True, text, facts)
    named = "; ".join(f"{words}: {', '.join(paths[:_SHOWN])}" for words, paths in differ.items())
    text = f"Files differ from what the Hub lists, or are missing there ({named}). Publish again."
    return RuleResult(False, text, facts, severity="WARN")


def _counts(*sides: Changes) -> dict[str, int]:
    return {
        "files_that_agree": sum(side.unchanged for side in sides),
        "files_that_differ": sum(len(side.sent) for side in sides),
        "files_to_remove": sum(len(side.removed) for side in sides),
    }
