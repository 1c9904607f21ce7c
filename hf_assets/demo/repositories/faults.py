"""Switches that make embedded repositories misbehave."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from hf_assets.demo.service.switches import At, Switches


@dataclass
class RepositoryFaults(Switches):
    """What goes wrong: `503:2@3/put,stall=60@1/commit`.

    The kind is one of `create`, `info` (the repository, its tree), `preupload`, `batch`, `put` (a
    large file, or a part of it) and `commit`; the page is which request of the kind it is, 1 for
    the first.
    """

    STATUSES: ClassVar[tuple[int, ...]] = (408, 429, 500, 502, 503, 504)
    KINDS: ClassVar[tuple[str, ...]] = ("create", "info", "preupload", "batch", "put", "commit")
    ALIASES: ClassVar[Mapping[str, str]] = {}

    # The request is taken, and answered after `value` seconds (an hour by default).
    stall: list[At] = field(default_factory=list)
    # The request does its work, and is then answered with 502.
    lost: list[At] = field(default_factory=list)
