"""Switches that make the embedded Hub misbehave as the real one, and proxies before it, have."""

import re
from collections import Counter
from dataclasses import dataclass, field
from threading import Lock

from hf_assets.demo.source import Kind

FOREVER = 10**9


@dataclass
class At:
    """When a fault strikes, and how.

    times: how many requests it hits before it is used up.
    page: which page of a listing it hits, 1 for the first; None for any request of a listing.
    kind: "models" or "spaces"; None for both.
    value: the fault's own figure, in the unit its field in Faults gives; None for its default.
    """

    times: int = 1
    page: int | None = None
    kind: Kind | None = None
    value: float | None = None


@dataclass
class Faults:
    """What goes wrong, and when: nothing by default. Every field can be changed while serving.

    `fired` counts the requests each fault has hit, by field name.
    """

    # 429 with `RateLimit: "api";r=0;t=<value>`, value in seconds, 1 by default.
    too_many: list[At] = field(default_factory=list)
    # HTTP errors by status: {503: [At(times=2, page=3)]}.
    errors: dict[int, list[At]] = field(default_factory=dict)
    # No byte for `value` seconds (an hour by default), then the page.
    stall: list[At] = field(default_factory=list)
    # The headers come, then no byte for `value` seconds (an hour by default), then the page.
    stall_body: list[At] = field(default_factory=list)
    # The body comes at `value` bytes a second, 200 by default.
    trickle: list[At] = field(default_factory=list)
    # Content-Length is right; the connection closes after the share `value` of it, half by default.
    cut: list[At] = field(default_factory=list)
    # A chunked body without its end: the connection closes after the share `value`.
    cut_chunked: list[At] = field(default_factory=list)
    # A gzip stream that ends at the share `value`, with a Content-Length that agrees.
    cut_gzip: list[At] = field(default_factory=list)
    # Valid HTTP, JSON that stops in the middle.
    broken_json: list[At] = field(default_factory=list)
    # Valid HTTP, JSON with bytes in the middle replaced.
    garbled_json: list[At] = field(default_factory=list)
    # Status 200, Content-Type text/html, an error page.
    html: list[At] = field(default_factory=list)
    # Status 200 and `[]`, with a next link to the page that should have come.
    empty_page: list[At] = field(default_factory=list)
    # The next link asks for the page it came with.
    cursor_loop: list[At] = field(default_factory=list)
    # The next link names `foreign_host`.
    foreign_link: list[At] = field(default_factory=list)
    foreign_host: str = "https://hub.example.invalid"
    # The page after this one begins with its last rows, the share `value` of them, 0.01 by default.
    duplicates: list[At] = field(default_factory=list)
    # Raw JSON values put among the rows of page `odd_page`, by kind; None puts them on every page.
    odd_rows: dict[str, list[bytes]] = field(default_factory=dict)
    odd_page: int | None = 1
    # Properties the listing refuses with a 400, though huggingface_hub knows them.
    refused_expand: set[str] = field(default_factory=set)
    # (requests, seconds) instead of the server's own rate limit.
    rate_limit: tuple[int, float] | None = None
    # Seconds added to every listing page.
    latency: float = 0.0
    # No X-Total-Count.
    no_total: bool = False
    # Pages with a larger limit than this answer 504, after `slow_seconds`.
    slow_above_limit: int | None = None
    slow_seconds: float = 0.0

    fired: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    @property
    def change_rows(self) -> bool:
        """Whether a page's rows or its size matter to a fault: then none can be ready made."""
        return bool(
            self.odd_rows or self.duplicates or self.empty_page or self.slow_above_limit is not None
        )

    def take(self, name: str, kind: Kind, page: int) -> At | None:
        """The fault `name` if it strikes this page: counted, and one time fewer is left."""
        return self._take(name, getattr(self, name), kind, page)

    def take_error(self, kind: Kind, page: int) -> int | None:
        """The HTTP status that strikes this page, if any."""
        for status, rules in list(self.errors.items()):
            if self._take(str(status), rules, kind, page):
                return status
        return None

    def count(self, name: str) -> None:
        """One more request that a fault without times has hit."""
        with self._lock:
            self.fired[name] += 1

    def _find(self, rules: list[At], kind: Kind, page: int) -> At | None:
        for rule in list(rules):
            if rule.times > 0 and rule.page in (None, page) and rule.kind in (None, kind):
                return rule
        return None

    def _take(self, name: str, rules: list[At], kind: Kind, page: int) -> At | None:
        if not rules:
            return None
        with self._lock:
            rule = self._find(rules, kind, page)
            if rule is not None:
                rule.times -= 1
                self.fired[name] += 1
        return rule

    @staticmethod
    def parse(text: str) -> "Faults":
        """Faults from a command line: `429:5@3,503:2,stall=0.5:1@4`.

        Each is `name[=value][:times][@page][/kind]`, separated by commas. name: a status (429, 500,
        502, 503, 504) or a field (hyphens may stand for underscores); value: the fault's figure;
        times: how often, once by default, `*` for ever; page: 1 is the first, any if left out;
        kind: models or spaces. Settings without times and page: `latency=0.2`, `rate=100per10`,
        `slow-above-limit=500`, `slow-seconds=1`, `refused-expand=usedStorage+baseModels`,
        `foreign-host=https://…`, `no-total`.

        Raises:
            ValueError: the text is none of these; the message names the part and what could stand
                there.
        """
        faults = Faults()
        for part in (part.strip() for part in text.split(",")):
            if part:
                faults._add(part)
        return faults

    def _add(self, part: str) -> None:
        name, _, setting = part.partition("=")
        name = name.replace("-", "_")
        if name in _SETTINGS:
            try:
                _SETTINGS[name](self, setting)
            except (ValueError, TypeError) as error:
                raise ValueError(f"fault {part!r}: {setting!r} is no value for {name}") from error
            return
        match = _RULE.fullmatch(part)
        if match is None:
            raise ValueError(
                f"fault {part!r} is not of the form name[=value][:times][@page][/models|/spaces]"
            )
        name = match["name"].replace("-", "_")
        rule = At(
            times=FOREVER if match["times"] == "*" else int(match["times"] or 1),
            page=int(match["page"]) if match["page"] else None,
            kind=match["kind"],  # ty: ignore[invalid-argument-type]
            value=float(match["value"]) if match["value"] else None,
        )
        if name in _RULES:
            getattr(self, name).append(rule)
        elif name == "429":
            self.too_many.append(rule)
        elif name.isdigit() and int(name) in _STATUSES:
            self.errors.setdefault(int(name), []).append(rule)
        else:
            known = [*map(str, (429, *_STATUSES)), *_RULES, *_SETTINGS]
            raise ValueError(f"no fault is called {name!r}; there are {', '.join(known)}")


_RULE = re.compile(
    r"(?P<name>[a-z0-9_-]+)(=(?P<value>\d+(\.\d+)?))?(:(?P<times>\d+|\*))?(@(?P<page>[1-9]\d*))?"
    r"(/(?P<kind>models|spaces))?"
)
_STATUSES = (408, 500, 502, 503, 504)
_RULES = (
    "too_many", "stall", "stall_body", "trickle", "cut", "cut_chunked", "cut_gzip", "broken_json",
    "garbled_json", "html", "empty_page", "cursor_loop", "foreign_link", "duplicates",
)  # fmt: skip


def _set_rate(faults: Faults, text: str) -> None:
    requests, _, seconds = text.partition("per")
    faults.rate_limit = (int(requests), float(seconds))


def _set_no_total(faults: Faults, text: str) -> None:
    if text:
        raise ValueError(text)
    faults.no_total = True


def _set_refused(faults: Faults, text: str) -> None:
    if not text:
        raise ValueError(text)
    faults.refused_expand |= set(text.split("+"))


_SETTINGS = {
    "latency": lambda faults, text: setattr(faults, "latency", float(text)),
    "rate": _set_rate,
    "slow_above_limit": lambda faults, text: setattr(faults, "slow_above_limit", int(text)),
    "slow_seconds": lambda faults, text: setattr(faults, "slow_seconds", float(text)),
    "refused_expand": _set_refused,
    "foreign_host": lambda faults, text: setattr(faults, "foreign_host", text.rstrip("/")),
    "no_total": _set_no_total,
}
