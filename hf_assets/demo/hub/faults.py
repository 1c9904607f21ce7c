"""Switches that make the embedded Hub misbehave as the real one, and proxies before it, have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hf_assets.demo.service.switches import At, Switches


def _rate(text: str) -> tuple[int, float]:
    requests, _, seconds = text.partition("per")
    return int(requests), float(seconds)


def _names(text: str) -> set[str]:
    if not text:
        raise ValueError("no name")
    return set(text.split("+"))


@dataclass
class Faults(Switches):
    """What goes wrong with the Hub. On a command line: `429:5@3,503:2,stall=0.5:1@4/spaces`.

    Besides `name[=value][:times][@page][/kind]` there are the settings `latency=0.2`,
    `rate=100per10`, `slow-above-limit=500`, `slow-seconds=1`, `no-total`,
    `refused-expand=usedStorage+baseModels`, `foreign-host=https://…`, `odd-link=…` and
    `odd-total=…`.
    """

    STATUSES: ClassVar[tuple[int, ...]] = (408, 500, 502, 503, 504)
    KINDS: ClassVar[tuple[str, ...]] = ("models", "spaces", "datasets")
    ALIASES: ClassVar[Mapping[str, str]] = {"429": "too_many", "rate": "rate_limit"}
    READERS: ClassVar[Mapping[str, Callable[[str], Any]]] = {
        "rate_limit": _rate,
        "slow_above_limit": int,
        "refused_expand": _names,
        "foreign_host": lambda text: text.rstrip("/"),
        "odd_link": str,
        "odd_total": str,
    }

    # 429 with `RateLimit: "api";r=0;t=<value>`, value in seconds, 1 by default.
    too_many: list[At] = field(default_factory=list)
    # 503 with `Retry-After: <value>`, a million seconds by default.
    busy: list[At] = field(default_factory=list)
    # 403 whose message repeats the request's headers, with terminal escapes and `value` characters
    # more, 5 million by default: a proxy's page.
    echo: list[At] = field(default_factory=list)
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
    # The gzip stream comes in two members, each with half of the body.
    two_members: list[At] = field(default_factory=list)
    # After its rows the page has `value` bytes of spaces, 900 million by default.
    bloat: list[At] = field(default_factory=list)
    # Valid HTTP, JSON that stops in the middle.
    broken_json: list[At] = field(default_factory=list)
    # Valid HTTP, JSON with bytes in the middle replaced.
    garbled_json: list[At] = field(default_factory=list)
    # Status 200, Content-Type text/html, an error page.
    html: list[At] = field(default_factory=list)
    # Status 200 and `[]`, with a next link to the page that should have come.
    empty_page: list[At] = field(default_factory=list)
    # The page has the share `value` of its rows, a third by default, and no next link.
    ends_early: list[At] = field(default_factory=list)
    # A list of numbers, and no next link.
    numbers: list[At] = field(default_factory=list)
    # The page has no Link header.
    no_link: list[At] = field(default_factory=list)
    # The next link asks for the page it came with, in a query that was never asked before.
    stale: list[At] = field(default_factory=list)
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
    # Cursors that the Hub no longer takes (None: a 400), or takes for a place so many rows further.
    old_cursors: dict[str, int | None] = field(default_factory=dict)
    # What X-Total-Count and, on a page that has a next one, Link say instead.
    odd_total: str = ""
    odd_link: str = ""
    # Pages with a larger limit than this answer 504, after `slow_seconds`.
    slow_above_limit: int | None = None
    slow_seconds: float = 0.0

    @property
    def change_rows(self) -> bool:
        """Whether a page's rows or its size matter to a fault: then none can be ready made."""
        return bool(
            self.odd_rows
            or self.duplicates
            or self.empty_page
            or self.ends_early
            or self.numbers
            or self.slow_above_limit is not None
        )
