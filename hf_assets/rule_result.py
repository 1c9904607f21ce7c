"""What a rule says of stored data, in the words a reader of the UI sees."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """What a rule found; `warn`: worth a look, but the data is usable."""

    passed: bool
    says: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    warn: bool = False
