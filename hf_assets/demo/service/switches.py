"""Switches that make an embedded service misbehave, and their form on a command line.

A service's own switches are the fields of a dataclass below `Switches`: a list of `At` for what
strikes single requests, anything else for what always holds.
"""

import dataclasses
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ClassVar, Self

FOREVER = 10**9
_RULE = re.compile(
    r"(?P<name>[a-z0-9_-]+)(=(?P<value>\d+(\.\d+)?))?(:(?P<times>\d+|\*))?(@(?P<page>[1-9]\d*))?"
    r"(/(?P<kind>[a-z]+))?"
)


@dataclass
class At:
    """When a fault strikes, and how.

    times: how many requests it hits before it is used up.
    page: which page of a listing it hits, 1 for the first; None for any request of a listing.
    kind: the only listing it hits, of a service that has several; None for all.
    value: the fault's own figure, in the unit its field gives; None for its default.
    """

    times: int = 1
    page: int | None = None
    kind: str | None = None
    value: float | None = None


def _truth(text: str) -> bool:
    if text:
        raise ValueError("a truth takes no value")
    return True


@dataclass
class Switches:
    """What goes wrong, and when: nothing by default. Every field can be changed while serving.

    `fired` counts the requests each has hit, by field name or status.
    """

    # The statuses and the kinds of listings that a command line can name.
    STATUSES: ClassVar[tuple[int, ...]] = (408, 429, 500, 502, 503, 504)
    KINDS: ClassVar[tuple[str, ...]] = ()
    # Fields that a command line calls otherwise.
    ALIASES: ClassVar[Mapping[str, str]] = {}
    # How a text becomes the value of a field, where its type alone does not tell.
    READERS: ClassVar[Mapping[str, Callable[[str], Any]]] = {}

    # HTTP errors by status: {503: [At(times=2, page=3)]}.
    errors: dict[int, list[At]] = field(default_factory=dict)
    fired: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def take(self, name: str, page: int, kind: str | None = None) -> At | None:
        """The rule of that name if it strikes this page: counted, and one time fewer is left."""
        return self._take(name, getattr(self, name), page, kind)

    def take_error(self, page: int, kind: str | None = None) -> int | None:
        """The HTTP status that strikes this page, if any."""
        for status, rules in list(self.errors.items()):
            if self._take(str(status), rules, page, kind):
                return status
        return None

    def count(self, name: str) -> None:
        """One more request that a switch without times has hit."""
        with self._lock:
            self.fired[name] += 1

    def _take(self, name: str, rules: list[At], page: int, kind: str | None) -> At | None:
        if not rules:
            return None
        with self._lock:
            for rule in rules:
                if rule.times > 0 and rule.page in (None, page) and rule.kind in (None, kind):
                    rule.times -= 1
                    self.fired[name] += 1
                    return rule
        return None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Switches from a command line: `503:2@1,backoff=10:*,quota=5`.

        Each is `name[=value][:times][@page]`, separated by commas. name: a status or a field
        (hyphens may stand for underscores); value: its figure; times: how often, once by default,
        `*` for ever; page: 1 is the first, any if left out; where there are KINDS, `/kind` may end
        it. Fields that always hold take a value alone (`quota=5`), or nothing where they are a
        truth.

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
        name, _, text = part.partition("=")
        name, readers = self._field(name), self._readers()
        if name in readers:
            self._set(part, name, text, readers[name])
            return
        match = _RULE.fullmatch(part)
        if match is None or match["kind"] not in (None, *self.KINDS):
            kinds = f"[{'|'.join(f'/{kind}' for kind in self.KINDS)}]" if self.KINDS else ""
            raise ValueError(
                f"fault {part!r} is not of the form name[=value][:times][@page]{kinds}"
            )
        name = self._field(match["name"])
        rule = At(
            times=FOREVER if match["times"] == "*" else int(match["times"] or 1),
            page=int(match["page"]) if match["page"] else None,
            kind=match["kind"],
            value=float(match["value"]) if match["value"] else None,
        )
        rules = [one.name for one in dataclasses.fields(self) if one.type == list[At]]
        if name in rules:
            getattr(self, name).append(rule)
        elif name.isdigit() and int(name) in self.STATUSES:
            self.errors.setdefault(int(name), []).append(rule)
        elif name in readers:
            raise ValueError(f"fault {part!r}: {name} always holds, without times and page")
        else:
            there = ", ".join([*map(str, self.STATUSES), *self.ALIASES, *rules, *readers])
            raise ValueError(f"no fault is called {name!r}; there are {there}")

    def _field(self, name: str) -> str:
        name = name.replace("-", "_")
        return self.ALIASES.get(name, name)

    def _readers(self) -> dict[str, Callable[[str], Any]]:
        """The fields that always hold and that a text can set."""
        usual: dict[Any, Callable[[str], Any]] = {bool: _truth, int: int, float: float}
        by_type = {
            one.name: usual[one.type] for one in dataclasses.fields(self) if one.type in usual
        }
        return by_type | dict(self.READERS)

    def _set(self, part: str, name: str, text: str, read: Callable[[str], Any]) -> None:
        try:
            value = read(text)
        except ValueError as error:
            raise ValueError(f"fault {part!r}: {text!r} is no value for {name}") from error
        # Sets grow: what is named in two parts is meant both times.
        setattr(self, name, getattr(self, name) | value if isinstance(value, set) else value)
