"""What the embedded Stack Exchange API serves: generated questions, or recorded ones.

Items are as the API writes them (titles and names escaped for HTML), without its envelope.
"""

import html
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from hf_assets.demo.labels.texts import PER_DAY, GeneratedTexts

Item = dict[str, Any]


class QuestionSource(Protocol):
    """Questions of some sites. Called from several threads at once."""

    @property
    def sites(self) -> Sequence[str]:
        """The names of its sites."""
        ...

    def count(self, site: str, first: int, last: int) -> int:
        """How many were asked from second `first` to second `last`, both included."""
        ...

    def items(self, site: str, first: int, last: int, start: int, stop: int) -> list[Item]:
        """Those of them from position `start` to before `stop`, oldest first."""
        ...


class GeneratedQuestions:
    """Generated questions, on a site that does not exist: nobody is named for what nobody wrote.

    Args:
        seed: another seed gives other questions.
        per_day: questions a day.
        site: its name.
        texts: the questions, in place of those of that seed.
    """

    def __init__(
        self,
        seed: int = 0,
        per_day: int = PER_DAY,
        site: str = "generated",
        texts: GeneratedTexts | None = None,
    ) -> None:
        self._site = site
        self._texts = texts or GeneratedTexts("questions", seed, per_day)

    @property
    def sites(self) -> Sequence[str]:
        """The one site."""
        return (self._site,)

    def count(self, site: str, first: int, last: int) -> int:  # noqa: ARG002
        """How many were asked from second `first` to second `last`, both included."""
        return len(self._range(first, last))

    def items(
        self,
        site: str,  # noqa: ARG002
        first: int,
        last: int,
        start: int,
        stop: int,
    ) -> list[Item]:
        """Those of them from position `start` to before `stop`, oldest first."""
        return [self._item(index) for index in self._range(first, last)[start:stop]]

    def _range(self, first: int, last: int) -> range:
        begin, end = (datetime.fromtimestamp(at, UTC) for at in (first, last + 1))
        return self._texts.indices(begin, end)

    def _item(self, index: int) -> Item:
        text, host = self._texts.text(index), f"{self._site}.stackexchange.com"
        created = int(text.created.timestamp())
        owner: Item = {"user_type": "does_not_exist", "display_name": f"user{index}"}
        if text.author_id:
            owner = {
                "account_id": text.author_id + 10**6,
                "reputation": 1 + text.author_id * 7 % 5000,
                "user_id": text.author_id,
                "user_type": "registered",
                "display_name": escaped(text.author),
                "link": f"https://{host}/users/{text.author_id}/",
            }
        slug = re.sub(r"[^a-z0-9]+", "-", text.title.lower()).strip("-")
        return {
            "tags": list(text.tags),
            "owner": owner,
            "is_answered": index % 3 == 0,
            "view_count": index % 997,
            "answer_count": index % 4,
            "score": index % 9 - 1,
            "last_activity_date": created,
            "creation_date": created,
            "question_id": text.id,
            "content_license": "CC BY-SA 4.0",
            "link": f"https://{host}/questions/{text.id}/{slug}",
            "title": escaped(text.title),
            "body": text.body,
        }


class RecordedQuestions:
    """Recorded answers of `/questions`: whole envelopes, or lists of their items.

    An item belongs to the site that its link names; one that was recorded twice is served once.

    Args:
        paths: JSON files, or folders that hold some called `se-api-*.json`.

    Raises:
        ValueError: a file is no such recording; the message names it.
    """

    def __init__(self, *paths: Path) -> None:
        found: dict[str, dict[int, Item]] = {}
        files = [
            one
            for path in paths
            for one in (sorted(path.glob("se-api-*.json")) if path.is_dir() else [path])
        ]
        for path in files:
            for item in _recorded(path):
                host = urlsplit(item["link"]).hostname or ""
                site = re.sub(r"(\.stackexchange)?\.com$", "", host)
                found.setdefault(site, {})[item["question_id"]] = item
        self._items = {
            site: sorted(items.values(), key=lambda one: (one["creation_date"], one["question_id"]))
            for site, items in found.items()
        }

    @property
    def sites(self) -> Sequence[str]:
        """The sites that the recordings are of."""
        return tuple(self._items)

    def count(self, site: str, first: int, last: int) -> int:
        """How many were asked from second `first` to second `last`, both included."""
        begin, end = self._bounds(site, first, last)
        return end - begin

    def items(self, site: str, first: int, last: int, start: int, stop: int) -> list[Item]:
        """Those of them from position `start` to before `stop`, oldest first."""
        begin, end = self._bounds(site, first, last)
        return self._items[site][begin:end][start:stop]

    def _bounds(self, site: str, first: int, last: int) -> tuple[int, int]:
        items = self._items[site]
        begin = bisect_left(items, first, key=lambda one: one["creation_date"])
        end = bisect_right(items, last, key=lambda one: one["creation_date"])
        return begin, max(begin, end)


def _recorded(path: Path) -> list[Item]:
    found = json.loads(path.read_text(encoding="utf-8"))
    items = found.get("items") if isinstance(found, dict) else found
    if not isinstance(items, list) or not all(
        isinstance(item, dict) and {"question_id", "creation_date", "link"} <= item.keys()
        for item in items
    ):
        raise ValueError(f"{path}: neither an envelope with questions nor a list of them")
    return items


def escaped(text: str) -> str:
    """For HTML, in the API's own letters: `&quot;` and `&#39;`."""
    return html.escape(text).replace("&#x27;", "&#39;")
