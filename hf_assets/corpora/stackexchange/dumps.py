"""Questions from a Stack Exchange data dump: `Posts.xml`, plain or inside the site's .7z.

The file is read once, in a memory that does not grow with it. Only questions are selected here;
`building.py` drops empty, untagged and duplicate texts. A file that is broken anywhere fails as a
whole: half a dump is not taken for a dump.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.parsers import expat

import polars as pl

from hf_assets.corpora.schemas import texts_frame
from hf_assets.corpora.stackexchange.sites import NoSite, Site
from hf_assets.corpora.stackexchange.unpacking import UnpackError, opened
from hf_assets.errors import InputError
from hf_assets.progress import TimedLog
from hf_assets.storage.digests import sha256
from hf_assets.storage.lake import TableWrite

# Stack Exchange plants a question and an answer with ids from here on in newer dumps
# (meta.stackexchange.com/q/412018); real ids are a tenth of it.
PLANTED = 1_000_000_000
_QUESTION = "1"

# Rows of a frame: 2 000 questions are some 5 MB.
_ROWS = 2_000
_CHUNK = 1 << 20

_ANGLED = re.compile(r"(?:<[^<>|]+>)+")
_PIPED = re.compile(r"\|(?:[^<>|]+\|)+")
_INTEGER = re.compile(r"-?[0-9]{1,12}", re.ASCII)
# XML_ERROR_UNKNOWN_ENCODING and XML_ERROR_INCORRECT_ENCODING; pyexpat has no names for them all.
_ENCODING_ERRORS = (18, 19)
# How archive.org names a site's archive, or the folder it was unpacked into.
_NAMED = re.compile(r"((?:[a-z0-9-]+\.)+(?:com|net))(?:-Posts)?(?:\.7z|\.xml)?", re.IGNORECASE)


class DumpError(InputError):
    """A dump cannot be read; the message names the file, the place in it, and what to do."""


def read_posts(path: Path, site: str, log: Callable[[str], None] = lambda _: None) -> TableWrite:
    """The questions of a dump, in its order. Columns: `schemas.TEXTS_COLUMNS`.

    Answers, other posts, planted posts and rows of one id are dropped; `notes` has
    their number by reason once the frames are exhausted.

    Args:
        path: `Posts.xml`, or a .7z with one in it.
        site: whose dump it is, by host (ai.stackexchange.com) or name (ai, meta.ai).
        log: takes lines for the run log.

    Raises:
        DumpError: no such file, one named after another site, or (while the frames are read) a
            broken one.
        NoSite: no such site.
    """
    if not path.is_file():
        raise DumpError(f"{path} is not there: name a Posts.xml or the .7z that holds it.")
    posts = _Posts(path, Site.of(site))
    for named in filter(None, map(_named_after, (path.name, path.parent.name))):
        if named != posts.site:
            raise DumpError(
                f"{path} is named after {named.host}, and was to be read as {posts.site.host}: its "
                "questions would take the ids of others. Set HF_ASSETS_STACKEXCHANGE_SITE (or "
                f"`site` in the asset's config) to {named.name}, or name another dump."
            )
    facts: dict[str, Any] = {"file": path.name, "site": posts.site.host}
    made = TableWrite(frames=(), provenance={"question_dump": facts})
    made.frames = _frames(posts, made, log)
    return made


def _frames(
    posts: "_Posts", made: TableWrite, log: Callable[[str], None]
) -> Iterator[pl.DataFrame]:
    path = posts.path
    facts = made.provenance["question_dump"]
    facts |= {"bytes": path.stat().st_size, "sha256": sha256(path, log)}
    progress, read = TimedLog(log, None, "Posts.xml"), 0

    def sized(size: int) -> None:
        progress.total = size

    try:
        with opened(path, "Posts.xml", sized) as stream:
            while chunk := stream.read(_CHUNK):
                posts.feed(chunk)
                read += len(chunk)
                counts = posts.counts
                progress.at(read, f"{counts['posts']:,} posts, {counts['questions']:,} questions")
                if len(posts.rows) >= _ROWS:
                    yield posts.taken()
        posts.feed(b"", final=True)
    except UnpackError as error:
        raise DumpError(str(error)) from error
    yield posts.taken()
    made.notes |= posts.notes
    facts |= {
        name: None if moment is None else moment.isoformat()
        for name, moment in (("first_question", posts.first), ("last_question", posts.last))
    }
    log(f"{path.name}: {posts.counts['questions']:,} questions of {posts.site.host}")


@dataclass
class _Posts:
    """Takes bytes of a Posts.xml and gives the questions in them."""

    path: Path
    site: Site
    rows: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    first: datetime | None = None
    last: datetime | None = None
    _depth: int = 0
    _encoding: str | None = None
    # One bit for each id that was seen: 10 MB for Stack Overflow.
    _seen: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        # A dump declares nothing: a file that does wants to read other files, or to fill memory.
        parser.StartDoctypeDeclHandler = self._refused
        parser.EntityDeclHandler = self._refused
        parser.XmlDeclHandler = self._declares
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end

    @property
    def notes(self) -> dict[str, int]:
        """The counts; those that every dump has stand first, 0 or not."""
        always = ("posts", "questions", "dropped: not a question", "dropped: planted post")
        return {name: self.counts[name] for name in always} | dict(self.counts)

    def feed(self, chunk: bytes, *, final: bool = False) -> None:
        """Read on. DumpError where the XML is broken, with the place."""
        try:
            self._parser.Parse(chunk, final)
        except (LookupError, ValueError) as error:
            # The parser asks Python for an encoding that it has not, before the first element.
            if self._depth or self.counts["posts"]:
                raise
            raise self._of_encoding() from error
        except expat.ExpatError as error:
            if error.code in _ENCODING_ERRORS:
                raise self._of_encoding() from error
            what = expat.ErrorString(error.code)
            raise self._broken(
                # -1 where there is no byte at all
                f"is broken XML ({what})",
                error.lineno,
                max(self._parser.ErrorByteIndex, 0),
            ) from error

    def taken(self) -> pl.DataFrame:
        """The rows so far, which are then forgotten."""
        frame = texts_frame(self.rows)
        self.rows = []
        return frame

    def _broken(self, what: str, line: int, byte: int) -> DumpError:
        return DumpError(
            f"{self.path} {what} at line {line}, byte {byte:,}: download or unpack it again; "
            "nothing was stored."
        )

    def _of_encoding(self) -> DumpError:
        declared = self._encoding or "another encoding than UTF-8"
        return DumpError(
            f"{self.path} declares {declared[:40]!r} at line 1, which the XML parser does not "
            "read, or which it is not in: convert it to UTF-8 (iconv), its first line too, "
            "or download it again; nothing was stored."
        )

    def _declares(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self._encoding = encoding

    def _here(self, what: str) -> DumpError:
        return self._broken(what, self._parser.CurrentLineNumber, self._parser.CurrentByteIndex)

    def _refused(self, *_: Any) -> None:
        raise self._here("declares a document type or entities, which no dump does,")

    def _begin(self, name: str, values: dict[str, str]) -> None:
        self._depth += 1
        wanted = ("posts", "row")[self._depth - 1] if self._depth <= 2 else None
        if name != wanted:
            raise self._here(f"is no Posts.xml: there is an element {name[:40]!r}")
        if name == "row":
            self.counts["posts"] += 1
            self._post(values)

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _post(self, values: dict[str, str]) -> None:
        number = _number(values.get("Id", ""))
        kind, tags = values.get("PostTypeId"), tags_of(values.get("Tags", ""))
        if number is None or number < 0:
            reason = "no Id that can be read"
        elif number >= PLANTED:
            reason = "planted post"
        elif kind is None:
            reason = "no PostTypeId"
        elif kind != _QUESTION:
            reason = "not a question"
        elif tags is None:
            reason = "Tags in no known spelling"
        elif self._known(number):
            reason = "Id seen before"
        else:
            self._keep(number, tags, values)
            return
        self.counts[f"dropped: {reason}"] += 1

    def _known(self, number: int) -> bool:
        """Whether that id was asked about before."""
        at, bit = number >> 3, 1 << (number & 7)
        if at >= len(self._seen):
            self._seen.extend(bytes(at + 1 - len(self._seen)))
        known = bool(self._seen[at] & bit)
        self._seen[at] |= bit
        return known

    def _keep(self, number: int, tags: list[str], values: dict[str, str]) -> None:
        created = _moment(values.get("CreationDate", ""))
        self.rows.append(
            self.site.row(
                number,
                title=values.get("Title", ""),
                body=values.get("Body", ""),
                tags=tags,
                user=_number(values.get("OwnerUserId", "")),
                user_name=values.get("OwnerDisplayName"),
                licence=values.get("ContentLicense"),
                created=created,
            )
        )
        self.counts["questions"] += 1
        for name in ("Title", "Body", "Tags"):
            if not values.get(name):
                self.counts[f"without {name}"] += 1
        if created is None:
            self.counts["without a CreationDate that can be read"] += 1
        else:
            self.first = min(self.first or created, created)
            self.last = max(self.last or created, created)


def _named_after(name: str) -> Site | None:
    """The site that a file or a folder is named after."""
    host = _NAMED.fullmatch(name)
    try:
        return Site.of(host[1]) if host else None
    except NoSite:
        return None


def tags_of(text: str) -> list[str] | None:
    """The tags of `<a><b>` or `|a|b|`; [] for an empty text, None for any other spelling."""
    if not text:
        return []
    if _ANGLED.fullmatch(text):
        return text[1:-1].split("><")
    if _PIPED.fullmatch(text):
        return text[1:-1].split("|")
    return None


def _number(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _moment(text: str) -> datetime | None:
    """A dump's time, which is in UTC and does not say so."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
