"""The result of a rule over stored data, in the words a reader of the UI sees."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class RuleResult:
    """What a rule found: the fields of Dagster's AssetCheckResult, without Dagster.

    Attributes:
        passed: whether the data follows the rule.
        description: a sentence with the numbers that decided.
        metadata: the numbers, under the words the UI shows.
        severity: "WARN" where the data is usable all the same.
    """

    passed: bool
    description: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    severity: Literal["WARN", "ERROR"] = "ERROR"
