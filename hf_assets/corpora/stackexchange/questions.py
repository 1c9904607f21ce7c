"""A day's new questions from the Stack Exchange API 2.3, as its rules allow.

Requests go by time, not by page number: each begins at the second the last one ended in. So a
question deleted meanwhile shifts nothing, and the wall behind page 25 is never reached.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from typing import Annotated, Any

import httpx2
import msgspec
import polars as pl

from hf_assets.corpora.schemas import texts_frame
from hf_assets.corpora.stackexchange.client import Answer, QuestionClient, StackExchangeError
from hf_assets.corpora.stackexchange.sites import Site
from hf_assets.progress import TimedLog
from hf_assets.storage.lake import TableWrite

PAGE_SIZE = 100
# Without a key, pages above this are refused.
LAST_PAGE = 25

ODD_SCHEMA = pl.Schema({"request": pl.Int64, "reason": pl.String, "value": pl.String})
_EXCERPT = 500

_Number = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
_Id = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
_Seconds = Annotated[int, msgspec.Meta(ge=0, le=2**33)]


class _Owner(msgspec.Struct):
    user_id: _Number | None = None
    display_name: str | None = None


class _Question(msgspec.Struct):
    question_id: _Id
    creation_date: _Seconds
    title: str
    tags: list[str]
    body: str | None = None
    owner: _Owner | None = None
    content_license: str | None = None


_DECODER = msgspec.json.Decoder(_Question, strict=True)


def new_questions(client: QuestionClient, day: str) -> TableWrite:
    """The questions asked on that day (UTC), oldest first. Columns: `schemas.TEXTS_COLUMNS`.

    What does not fit is put aside (`odd_questions`: request, reason, value) and counted. Of a day
    that is not over, the provenance says so.

    Args:
        client: asks one site.
        day: YYYY-MM-DD.

    Raises:
        StackExchangeError: a day to come; or, while the frames are read, an API that will not go
            on. Nothing of the day is to be kept then.
    """
    today = client.now().astimezone(UTC).date()
    wanted = date.fromisoformat(day)
    if wanted > today:
        raise StackExchangeError(f"{day} is not here yet: it is {today} (UTC).", permanent=True)
    facts: dict[str, Any] = {
        "endpoint": client.endpoint,
        "site": client.site,
        "with_key": client.key is not None,
    }
    if wanted == today:
        facts["partial"] = "the day is not over"
    made = TableWrite(frames=(), provenance={"new_questions": facts})
    made.frames = _frames(_Walk(client, wanted), made)
    return made


def _frames(walk: "_Walk", made: TableWrite) -> Iterator[pl.DataFrame]:
    facts, client = made.provenance["new_questions"], walk.client
    facts["started"] = client.now().isoformat(timespec="seconds")
    # Questions come in the order of their times: how much of the day is over, is known.
    progress = TimedLog(client.log, walk.seconds, f"{walk.day}")
    for rows in walk.pages():
        yield texts_frame(rows)
        progress.at(walk.seconds_read, f"{walk.counts['questions']:,} questions")
    counts, aside = walk.counts, sum(walk.put_aside.values())
    if aside and not counts["questions"]:
        raise StackExchangeError(
            f"none of the {aside} questions of {walk.day} can be read "
            f"({'; '.join(walk.put_aside)}): the API has changed, or {client.endpoint} is none.",
            permanent=True,
        )
    made.notes |= {"questions": 0, **counts}
    made.notes |= {f"put aside: {reason}": count for reason, count in walk.put_aside.items()}
    made.aside["odd_questions"] = pl.DataFrame(walk.odd, schema=ODD_SCHEMA, orient="row")
    facts |= {
        "requests": walk.requests,
        "quota_max": walk.quota_max,
        "quota_remaining": walk.quota_remaining,
        "finished": client.now().isoformat(timespec="seconds"),
    }
    client.log(f"{client.site}, {walk.day}: {counts['questions']:,} questions")


@dataclass
class _Walk:
    """One day of one site, from its first second to its last."""

    client: QuestionClient
    day: date
    requests: int = 0
    quota_max: int | None = None
    quota_remaining: int | None = None
    counts: Counter[str] = field(default_factory=Counter)
    put_aside: Counter[str] = field(default_factory=Counter)
    odd: list[tuple[int, str, str]] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._site = Site.of(self.client.site)
        begin = datetime.combine(self.day, time(), UTC)
        self._first = int(begin.timestamp())
        # Both ends are inclusive, in whole seconds.
        self._last = int((begin + timedelta(days=1)).timestamp()) - 1
        self._newest = self._first

    @property
    def seconds(self) -> int:
        """The length of the day."""
        return self._last - self._first + 1

    @property
    def seconds_read(self) -> int:
        """The part of the day up to the last question that was read."""
        return self._newest - self._first

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        """The day's questions, an answer at a time, each once."""
        since, page = self._first, 1
        with self.client.connection() as http:
            while True:
                answer = self._ask(http, since, page)
                questions = self._read(answer)
                fresh = [one for one in questions if one.question_id not in self._seen]
                self._seen.update(one.question_id for one in fresh)
                newest = max((one.creation_date for one in questions), default=since)
                self._newest = newest
                yield [self._row(one) for one in fresh]
                if not answer.has_more:
                    return
                if page > 1 and questions and not fresh:
                    raise StackExchangeError(
                        f"the API gives the same questions of {self.day} over and over: nothing "
                        "was stored; try again later.",
                        permanent=False,
                    )
                since, page = (newest, 1) if newest > since else (since, page + 1)

    def _ask(self, http: httpx2.Client, since: int, page: int) -> Answer:
        if page > LAST_PAGE and self.client.key is None:
            raise StackExchangeError(
                f"more than {LAST_PAGE * PAGE_SIZE:,} questions were asked in the second {since} "
                f"of {self.day}: without a key the API shows no more. Set a key.",
                permanent=True,
            )
        if self.quota_remaining == 0:
            raise StackExchangeError(
                f"the daily quota of {self.quota_max} requests is spent in the middle of "
                f"{self.day}, of which nothing was stored: it is renewed at 00:00 UTC. Run the "
                "day again then"
                + ("." if self.client.key else ", or set a key (10 000 requests a day)."),
                permanent=True,
            )
        answer = self.client.ask(
            http,
            {
                "fromdate": since,
                "todate": self._last,
                "order": "asc",
                "sort": "creation",
                "filter": "withbody",
                "pagesize": PAGE_SIZE,
                "page": page,
            },
        )
        self.requests += answer.requests
        self.quota_max, self.quota_remaining = answer.quota_max, answer.quota_remaining
        return answer

    def _read(self, answer: Answer) -> list[_Question]:
        """The questions of an answer that are ones; the others are put aside."""
        questions = []
        for item in answer.items:
            try:
                one = _DECODER.decode(item)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                # One reason for all that fail alike, wherever in the item it is.
                reason = re.sub(r"\[\d+\]", "[...]", re.sub(r" \(byte \d+\)", "", str(error)))
                self.put_aside[reason] += 1
                excerpt = item.decode(errors="replace")[:_EXCERPT]
                self.odd.append((self.requests, reason, excerpt))
                continue
            if not self._first <= one.creation_date <= self._last:
                raise StackExchangeError(
                    f"asked for {self.day}, the API answers with question {one.question_id} of "
                    f"{datetime.fromtimestamp(one.creation_date, UTC):%Y-%m-%d %H:%M:%S} UTC: "
                    "nothing was stored. Is the endpoint the right one?",
                    permanent=True,
                )
            questions.append(one)
        return questions

    def _row(self, one: _Question) -> dict[str, Any]:
        self.counts["questions"] += 1
        for name in ("body", "tags"):
            if not getattr(one, name):
                self.counts[f"without {name}"] += 1
        owner = one.owner or _Owner()
        # The API escapes titles and names once, for HTML; a body is HTML.
        return self._site.row(
            one.question_id,
            title=unescape(one.title),
            body=one.body or "",
            tags=one.tags,
            user=owner.user_id,
            user_name=unescape(owner.display_name) if owner.display_name else None,
            licence=one.content_license,
            created=datetime.fromtimestamp(one.creation_date, UTC),
        )
