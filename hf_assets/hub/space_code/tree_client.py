"""Asks the Hub for the files of a Space: its tree, page by page, and its requirements.txt.

The tree is `/api/spaces/<id>/tree/main?recursive=true`, as huggingface_hub's
`list_repo_tree` asks for it. Files count in the Hub's other quota, of `resolve` addresses: they
have a pacer of their own.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx2
from huggingface_hub import is_offline_mode
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id
from msgspec import structs

from hf_assets.errors import clean
from hf_assets.hub.client.addresses import next_address
from hf_assets.hub.client.connection import HubConnection, HubError
from hf_assets.hub.client.pacing import pacer_for
from hf_assets.hub.space_code.answers import Answer, Space
from hf_assets.hub.space_code.trees import TreeEntry, tree_entries
from hf_assets.transport import Answer as HttpAnswer

# Pages of 1 000 entries: a Space with more files is no app whose code somebody wrote.
MOST_PAGES = 10
# Bytes of a requirements.txt; a page of a tree has 0.3 MB.
LARGEST_REQUIREMENTS = 1 << 20
LARGEST_PAGE = 16 << 20
REQUIREMENTS = "requirements.txt"
_NO_TREE = "no JSON list of files"
_GONE = (404, 410, 451)
_WITHHELD = (401, 403)
# Of a refused token: it would be refused for every Space.
_BAD_TOKEN = ("credentials", "username or password")


class BudgetSpent(Exception):
    """The most requests of a night were made."""


@dataclass
class Budget:
    """The requests that may still be made, counted for all threads.

    Args:
        left: 0 or more.
    """

    left: int
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def take(self) -> None:
        """Count one request. BudgetSpent."""
        with self._lock:
            if self.left <= 0:
                raise BudgetSpent
            self.left -= 1


@dataclass
class _Asked:
    """The requests of one Space, and whether the last answer was no tree."""

    requests: int = 0
    invalid: bool = False


class TreeClient:
    """Asks one Hub for files of Spaces; several threads may share it.

    Args:
        connection: to the Hub; it counts the requests of trees.
        budget: of requests; a retry is free.
        clock: gives the time of an answer.
    """

    def __init__(
        self,
        connection: HubConnection,
        budget: Budget,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.endpoint, self.budget, self._clock = connection.endpoint, budget, clock
        self._trees = replace(connection, max_bytes=LARGEST_PAGE)
        self._files = replace(
            connection,
            max_bytes=LARGEST_REQUIREMENTS,
            pacer=pacer_for(f"{connection.endpoint} resolvers"),
        )

    def ask(self, space: Space) -> tuple[Answer, str]:
        """The answer about a Space, and the error behind its reason.

        Raises:
            BudgetSpent: before it was complete.
            HubError: the Hub may not be asked: no Space would be answered.
        """
        asked, pages, entries = _Asked(), [], list[TreeEntry]()
        answer = Answer(**space._asdict(), asked=self._clock())
        try:
            # A name is part of the address: it may come from anyone.
            validate_repo_id(space.id)
            complete = self._read_tree(space, asked, pages, entries)
        except HFValidationError as error:
            return self._without(answer, asked, "refused"), clean(error)
        except HubError as error:
            return self._without(answer, asked, _reason(error, asked)), str(error)
        if not complete:
            return self._without(answer, asked, "too many files"), ""
        requirements, reason, why = self._requirements(space, asked, entries)
        found: dict[str, Any] = {"requirements": requirements, "packages_reason": reason}
        return structs.replace(answer, pages=pages, requests=asked.requests, **found), why

    def _without(self, answer: Answer, asked: _Asked, reason: str) -> Answer:
        return structs.replace(
            answer, reason=reason, packages_reason="files unknown", requests=asked.requests
        )

    def _read_tree(
        self, space: Space, asked: _Asked, pages: list[bytes], entries: list[TreeEntry]
    ) -> bool:
        """Fetch the pages of a tree; False where there are more than `MOST_PAGES`."""
        path = f"/api/spaces/{quote(space.id)}/tree/main"
        params = {"recursive": True, "expand": False}
        url: str | None = str(httpx2.URL(f"{self.endpoint}{path}", params=params))

        def read(answer: HttpAnswer) -> str | None:
            asked.invalid = True
            found = tree_entries(answer.body)
            next_url, _ = next_address(answer.headers, str(url))
            if next_url == url:
                raise ValueError("a page that links to itself")
            asked.invalid = False
            pages.append(answer.body)
            entries.extend(found)
            return next_url

        while url and len(pages) < MOST_PAGES:
            self._count(asked)
            url = self._trees.get(url, read, broken=_NO_TREE)
        return url is None

    def _requirements(
        self, space: Space, asked: _Asked, entries: list[TreeEntry]
    ) -> tuple[bytes | None, str | None, str]:
        """The file, or the reason why there is none, and the error behind that."""
        size = next(
            (one.size for one in entries if one.path == REQUIREMENTS and one.type == "file"), None
        )
        if size is None:
            return None, "no requirements.txt", ""
        if size > LARGEST_REQUIREMENTS:
            return None, "too large", ""
        self._count(asked)
        address = f"{self.endpoint}/spaces/{quote(space.id)}/resolve/main/{REQUIREMENTS}"
        try:
            return self._files.get(address, lambda answer: answer.body), None, ""
        except HubError as error:
            return None, _reason(error, asked), str(error)

    def _count(self, asked: _Asked) -> None:
        self.budget.take()
        asked.requests += 1


def _reason(error: HubError, asked: _Asked) -> str:
    """One of `REASONS`. The error itself where it is not of this Space alone."""
    body = error.body.lower()
    if error.status == 401 and any(text in body for text in _BAD_TOKEN):
        raise error
    if error.status in _WITHHELD:
        return "disabled" if "disabled" in body else "private or gated"
    if error.status in _GONE:
        return "gone"
    if error.status is None and error.permanent and is_offline_mode():
        raise error
    if asked.invalid or (error.status is None and error.permanent):
        return "invalid answer"
    return "refused" if error.permanent else "failed"
