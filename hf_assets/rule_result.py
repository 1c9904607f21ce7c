"""The result of a rule over stored data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class RuleResult:
    """The fields of Dagster's AssetCheckResult, without Dagster.

    Attributes:
        passed: whether the data follows the rule.
        description: a sentence with the numbers that decided.
        metadata: the numbers by field name; `ui_words.label` makes the label that the UI shows.
        severity: "WARN" where the data is usable all the same.
    """

    passed: bool
    description: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    severity: Literal["WARN", "ERROR"] = "ERROR"
