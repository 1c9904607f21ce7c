"""Sites of Stack Exchange: names, addresses, licences, and the row of a question.

Dumps and API give the same row.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hf_assets.errors import InputError, clean

# Sites that do not live below stackexchange.com.
_OWN_DOMAINS = {
    "stackoverflow": "com",
    "superuser": "com",
    "serverfault": "com",
    "askubuntu": "com",
    "stackapps": "com",
    "mathoverflow": "net",
}
_NETWORK = ".stackexchange.com"
_HOST = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*")

# stackexchange.com/legal: the licence of a contribution is the one in force on its day (UTC).
_LICENCES = (
    (datetime(2011, 4, 8, tzinfo=UTC), "CC BY-SA 2.5"),
    (datetime(2018, 5, 2, tzinfo=UTC), "CC BY-SA 3.0"),
)
_LATEST_LICENCE = "CC BY-SA 4.0"

# What the ids of questions begin with, before their site.
IDS = "stackexchange:"


class NoSite(InputError, ValueError):
    """No site of Stack Exchange can be called so; the message says what can."""


@dataclass(frozen=True)
class Site:
    """One site: its host, and its name as the API takes it."""

    host: str
    name: str

    @classmethod
    def of(cls, given: str) -> "Site":
        """The site of a host (`ai.stackexchange.com`) or name (`ai`, `ai.meta`, `meta.ai`).

        Raises:
            NoSite: no site can be called so.
        """
        shown = repr(clean(given, 80))
        stem = re.sub(r"^https?://|/+$", "", given.strip().lower())
        stem = stem.removesuffix(_NETWORK).removesuffix(".stackexchange")
        if not _HOST.fullmatch(stem):
            raise NoSite(f"{shown} names no site: give a host such as ai.stackexchange.com")
        # stackoverflow, es.stackoverflow, meta.stackoverflow and, by analogy, stackoverflow.meta
        bare = re.sub(r"\.(com|net)$", "", stem)
        parts = bare.split(".")
        if parts[0] in _OWN_DOMAINS and parts[1:] == ["meta"]:
            parts.reverse()
        if domain := _OWN_DOMAINS.get(parts[-1]):
            host = ".".join([*parts, domain])
            return cls(host, host.removesuffix(".com"))
        if bare != stem:
            raise NoSite(f"{shown} is no site of Stack Exchange: give its host")
        if parts[0] == "meta" and len(parts) == 2:
            parts.reverse()
        name = ".".join(parts)
        return cls(name + _NETWORK, name)

    @property
    def prefix(self) -> str:
        """What the ids of its questions begin with: numbers alone are those of other sites, too."""
        return f"{IDS}{self.name}:"

    def row(
        self,
        number: int,
        *,
        title: str,
        body: str,
        tags: list[str],
        user: int | None,
        user_name: str | None,
        licence: str | None,
        created: datetime | None,
    ) -> dict[str, Any]:
        """One question under `schemas.TEXTS_COLUMNS`.

        Args:
            number: the question's id on its site.
            title: plain text.
            body: HTML.
            tags: in the source's order.
            user: the asker's id; None where the account is gone.
            user_name: the asker's name; None where the source does not give it.
            licence: as the source says; None for the one of the question's day.
            created: None where the source's date cannot be read.
        """
        author = user_name or (None if user is None else f"user {user}")
        return {
            "id": f"{self.prefix}{number}",
            "title": title,
            "body": body,
            "labels": list(dict.fromkeys(tags)),
            "link": f"https://{self.host}/q/{number}",
            "author": author,
            "author_link": None if user is None else f"https://{self.host}/users/{user}",
            "license": licence or licence_of(created),
            "created_at": created,
        }


def site_of(name: str) -> str | None:
    """The site that a text with that id was asked on; None where it is no question."""
    return name.removeprefix(IDS).rpartition(":")[0] if name.startswith(IDS) else None


def licence_of(created: datetime | None) -> str | None:
    """The licence of what was written then; None where the day is not known."""
    if created is None:
        return None
    return next((name for until, name in _LICENCES if created < until), _LATEST_LICENCE)
