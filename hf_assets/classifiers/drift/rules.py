"""Rules over the age of a corpus and its models, and over the drift since; each only warns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hf_assets.classifiers.drift.table import Since
from hf_assets.corpora.growth import Age
from hf_assets.proportions import wilson
from hf_assets.rule_result import RuleResult

_NAMED = 5


@dataclass(frozen=True)
class Bounds:
    """From when on something is old, or has drifted.

    Attributes:
        rows: unseen rows, as a share of those that were learnt.
        labels: unseen labels.
        days: since it was built, where rows are unseen.
        drift: by how much a share may lie above what is usual, sample noise aside.
    """

    rows: float
    labels: int
    days: int
    drift: float


_BUILD = "Build the corpus again, then train."


def corpus_not_old(age: Age, bounds: Bounds, what: str) -> RuleResult:
    """`not_old` of a corpus, which is built and not trained."""
    return not_old(age, bounds, what, _BUILD)


def not_old(age: Age, bounds: Bounds, what: str, advice: str = "Train it again.") -> RuleResult:
    """Few rows and labels are unseen, and they are not unseen for long.

    Args:
        age: of a corpus or model.
        bounds: from the settings.
        what: the corpus or model, for the description.
        advice: what to do where nobody can count the unseen rows.
    """
    figures: dict[str, Any] = {
        "unseen rows": age.rows,
        "rows seen": age.of,
        "unseen rows, share": round(age.share, 4),
        "unseen labels": len(age.labels),
    }
    if age.days is not None:
        figures["days since it was built"] = age.days
    if age.why:
        text = f"{what}: {age.why}. {advice}"
        return RuleResult(False, text, figures, severity="WARN")
    named = ", ".join(repr(label[:60]) for label in age.labels[:_NAMED])
    text = (
        f"{what} has not seen {age.rows:,} rows ({age.share:.1%} of the {age.of:,} it has)"
        + (f" and {len(age.labels):,} labels ({named})" if age.labels else "")
        + ("" if age.days is None else f"; built {age.days:,} days ago")
    )
    faults = {
        f"over {bounds.rows:.0%} of rows": age.share > bounds.rows,
        f"over {bounds.labels:,} labels": len(age.labels) > bounds.labels,
        f"over {bounds.days:,} days": bool(age.rows) and (age.days or 0) > bounds.days,
    }
    if past := [fault for fault, there in faults.items() if there]:
        text += f": {', '.join(past)}. {_BUILD}"
        return RuleResult(False, text, figures, severity="WARN")
    return RuleResult(True, f"{text}.", figures)


def all_young(ages: Mapping[str, Age], bounds: Bounds) -> RuleResult:
    """The models of a corpus are not old; a model by base model."""
    if not ages:
        return RuleResult(True, "No model is stored.")
    results = {name: not_old(age, bounds, name) for name, age in ages.items()}
    old = {name: one for name, one in results.items() if not one.passed}
    figures = {
        f"{name}: {figure}": value
        for name, one in results.items()
        for figure, value in one.metadata.items()
    }
    text = " ".join(one.description for one in (old or results).values())
    return RuleResult(not old, text, figures, severity="WARN")


def not_drifted(since: Since, bounds: Bounds) -> RuleResult:
    """What came since the corpus was built has the usual labels and words, and gets labels.

    A difference counts where the sample is large enough to show it: labels' shares against draws of
    as many training rows, the other shares by the interval of 95 %.
    """
    if not since.texts:
        return RuleResult(True, "No text came since the corpus was built.", {"texts": 0})
    figures: dict[str, Any] = {
        "texts": since.texts,
        "first week": since.first,
        "last week": since.last,
        "distance of label shares": _rounded(since.distance),
        "of which noise": _rounded(since.noise),
        "unseen words": _rounded(since.unseen_words),
        "unseen words, usual": _rounded(since.usual_words),
        "texts without a label": _rounded(since.unlabelled),
        "texts without a label, usual": _rounded(since.usual_unlabelled),
        "labels a text": _rounded(since.labels_a_text),
        "labels a text, usual": _rounded(since.usual_labels),
        "new labels": ", ".join(f"{name} ({n})" for name, n in since.new_labels.items()),
    }
    figures = {name: value for name, value in figures.items() if value not in (None, "")}
    faults = []
    if since.distance is not None and since.distance - (since.noise or 0) > bounds.drift:
        faults.append(f"label shares differ by {since.distance:.1%} (noise: {since.noise:.1%})")
    # Words of a text belong together: a text counts once.
    for share, usual, n, words in (
        (since.unseen_words, since.usual_words, since.texts, "of the words are unseen"),
        (since.unlabelled, since.usual_unlabelled, since.asked, "of the texts get no label"),
    ):
        if share is not None and usual is not None:
            low, _ = wilson(round(share * n), n)
            if low > usual + bounds.drift:
                faults.append(f"{share:.1%} {words} (usual: {usual:.1%})")
    if faults:
        text = f"{since.texts:,} texts since {since.first}: {'; '.join(faults)}. Train again."
        return RuleResult(False, text, figures, severity="WARN")
    text = f"{since.texts:,} texts since {since.first} are like those that were learnt."
    return RuleResult(True, text, figures)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
