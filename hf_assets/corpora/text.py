"""HTML to plain text, and when two texts say the same.

What belongs here: everything about one text, or two. What does not: what follows from duplicates
(`groups.py`).

Nobody says of a body whether it is HTML, Markdown or plain text, so only the tags of HTML's own
elements count as markup: `a < b`, `vector<int>` and `<user@host>` stay as they are. selectolax
(lexbor) reads what is left: a quarter faster than lxml on questions of Stack Exchange and eleven
times as fast as BeautifulSoup, and elements nested without end neither crash it nor lose text.
"""

import hashlib
import html
import re

from selectolax.lexbor import LexborHTMLParser


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_BLOCKS = _names(
    """
    address article aside blockquote body br button caption center col colgroup dd details
    dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header
    hgroup hr html legend li link main menu meta nav ol optgroup option p search section
    select summary table tbody td textarea tfoot th thead title tr ul
    """
)
_INLINE = _names(
    """
    a abbr acronym audio b bdi bdo big canvas cite code data datalist del dfn em embed font i
    iframe img input ins kbd label map mark meter noscript object output param picture
    progress q s samp slot small source span strike strong sub sup svg time track tt u var
    video wbr
    """
)
# Only their line ends count: inside of them lexbor would read text otherwise than elsewhere.
_BARE = _names("body head html iframe optgroup option select textarea title")
# What is in them is code or nothing to read; without an end they would take the whole rest along.
_CLOSED = _names("pre script style !--")
_ENDS = re.compile(r"</(?P<name>pre|script|style)\s*+>|-->", re.IGNORECASE)

# No part can match in two ways: a hostile text costs time in proportion to its length.
_TAG = re.compile(
    r"<(?P<opened>!--)|<!(?P<doctype>doctype)[^<>]*+>|</?(?P<name>[a-z][a-z0-9]*+)"
    r"(?:\s++[\w:.-]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>=]++))?+)*+\s*+/?+>|<",
    re.IGNORECASE,
)
# Far more than a person writes: lexbor's time can grow with the square of the open elements.
_MOST_TAGS = 5_000

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2060\ufeff]")

# Near duplicates: Jaccard similarity, in hundredths, of their sets of three words in a row.
NEAR = 85
_EDGES = ".,;:!?\"'`()[]{}*_\u2026\u201c\u201d\u2018\u2019\u00ab\u00bb"


def plain(source: str | None, *, code: bool = False) -> str:
    """HTML, Markdown or plain text as one line of plain text; nothing gives an empty text.

    Blocks separate words, character references are decoded, runs of white space become one space.

    Args:
        source: the text as it came.
        code: keep blocks of code (`<pre>`); code inside a line always stays.
    """
    if not source:
        return ""
    # What is no Unicode text (a lone surrogate) cannot be stored either.
    source = source.encode("utf-8", "replace").decode("utf-8")
    marked = _marked(source, code) if "<" in source else None
    if marked is None:
        # Without its semicolon, `&copy=1` is rather part of an address.
        return squeezed(_ENTITY.sub(lambda entity: html.unescape(entity[0]), source))
    tree = LexborHTMLParser(marked)
    tree.strip_tags(["pre", "script", "style"], recursive=True)
    return squeezed(tree.body.text() if tree.body else "")


def _marked(source: str, code: bool) -> str | None:
    """`source` with line ends around blocks, and `<` only where it is markup; None without any."""
    last_end = {(end["name"] or "!--").lower(): end.start() for end in _ENDS.finditer(source)}
    tags = 0

    def replaced(tag: re.Match[str]) -> str:
        nonlocal tags
        name = (tag["opened"] or tag["name"] or "").lower()
        ends = name in _CLOSED and tag.start() <= last_end.get(name, -1)
        if not (ends or name == "pre" or name in _BLOCKS or name in _INLINE or tag["doctype"]):
            return "&lt;" + tag[0][1:]
        tags += 1
        space = "" if name in _INLINE else "\n"
        bare = name in _BARE or (name == "pre" and (code or not ends))
        closes = ends and tag[0].startswith("</")
        if bare or (tags > _MOST_TAGS and not closes):
            return space
        return space + tag[0] + space

    marked = _TAG.sub(replaced, source)
    return marked if tags else None


def squeezed(text: str) -> str:
    """Each run of white space, control and unseen characters as one space, none at the ends."""
    return " ".join(_UNSEEN.sub(" ", text).split())


def words(text: str) -> list[str]:
    """What is compared of a text: its words in lower case, without the punctuation around them.

    Signs of a word's own stay: "C++" is not "C#". A text of signs alone is one word.
    """
    found = [stripped for word in text.casefold().split() if (stripped := word.strip(_EDGES))]
    return found or [squeezed(text)]


def shingles(found: list[str]) -> frozenset[int]:
    """Each three words in a row, as a hash of this process; fewer words are one shingle."""
    if len(found) < 3:
        return frozenset({hash(tuple(found))})
    return frozenset(map(hash, zip(found, found[1:], found[2:], strict=False)))


def near(one: frozenset[int], other: frozenset[int]) -> bool:
    """Whether two sets of shingles have a Jaccard similarity of NEAR or more."""
    both = len(one & other)
    return 100 * both >= NEAR * (len(one) + len(other) - both)


def text_key(found: list[str]) -> bytes:
    """The same for texts of the same words, and for no others."""
    return hashlib.blake2b("\0".join(found).encode(), digest_size=16).digest()
