"""Switches that make an embedded service misbehave, and their form on a command line.

A service's own switches are the fields of a dataclass below `Switches`: a list of `At` for what
strikes single requests, a number or a truth for what always holds. (The Hub's are in `faults`.)
"""

import dataclasses
import re
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import Self

from hf_assets.demo.faults import FOREVER, At

_STATUSES = (408, 429, 500, 502, 503, 504)
_RULE = re.compile(
    r"(?P<name>[a-z0-9_-]+)(=(?P<value>\d+(\.\d+)?))?(:(?P<times>\d+|\*))?(@(?P<page>[1-9]\d*))?"
)


@dataclass
class Switches:
    """What goes wrong, and when: nothing by default. Every field can be changed while serving.

    `fired` counts the requests each has hit, by field name or status.
    """

    # HTTP errors by status: {503: [At(times=2, page=3)]}.
    errors: dict[int, list[At]] = field(default_factory=dict)
    fired: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def take(self, name: str, page: int) -> At | None:
        """The rule of that name if it strikes this page: counted, and one time fewer is left."""
        return self._take(name, getattr(self, name), page)

    def take_error(self, page: int) -> int | None:
        """The HTTP status that strikes this page, if any."""
        for status, rules in list(self.errors.items()):
            if self._take(str(status), rules, page):
                return status
        return None

    def count(self, name: str) -> None:
        """One more request that a switch without times has hit."""
        with self._lock:
            self.fired[name] += 1

    def _take(self, name: str, rules: list[At], page: int) -> At | None:
        with self._lock:
            for rule in rules:
                if rule.times > 0 and rule.page in (None, page):
                    rule.times -= 1
                    self.fired[name] += 1
                    return rule
        return None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Switches from a command line: `503:2@1,backoff=10:*,quota=5`.

        Each is `name[=value][:times][@page]`, separated by commas. name: a status or a field
        (hyphens may stand for underscores); value: its figure; times: how often, once by default,
        `*` for ever; page: 1 is the first, any if left out. Fields that always hold take a value
        alone (`quota=5`), or nothing where they are a truth.

        Raises:
            ValueError: the text is none of these; the message names the part and what could stand
                there.
        """
        made = cls()
        for part in (part.strip() for part in text.split(",")):
            if part:
                made._add(part)
        return made

    def _add(self, part: str) -> None:
        match = _RULE.fullmatch(part)
        if match is None:
            raise ValueError(f"fault {part!r} is not of the form name[=value][:times][@page]")
        name, value = match["name"].replace("-", "_"), match["value"]
        rule = At(
            times=FOREVER if match["times"] == "*" else int(match["times"] or 1),
            page=int(match["page"]) if match["page"] else None,
            value=float(value) if value else None,
        )
        known = self._known()
        if name.isdigit() and int(name) in _STATUSES:
            self.errors.setdefault(int(name), []).append(rule)
        elif name not in known:
            there = ", ".join([*map(str, _STATUSES), *sorted(known)])
            raise ValueError(f"no fault is called {name!r}; there are {there}")
        elif isinstance(rules := known[name], list):
            rules.append(rule)
        elif match["times"] or match["page"]:
            raise ValueError(f"fault {part!r}: {name} always holds, without times and page")
        else:
            setattr(self, name, _setting(part, type(known[name]), value))

    def _known(self) -> dict[str, list[At] | bool | int | float]:
        """The fields that a text can set: rules, numbers and truths."""
        values = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return {n: v for n, v in values.items() if isinstance(v, list | bool | int | float)}


def _setting(part: str, kind: type, value: str | None) -> bool | int | float:
    try:
        if kind is bool and value is None:
            return True
        if kind is not bool and value is not None:
            return kind(value)
    except ValueError:
        pass
    wanted = {"bool": "no value", "int": "a whole number", "float": "a number"}[kind.__name__]
    raise ValueError(f"fault {part!r} takes {wanted}")
