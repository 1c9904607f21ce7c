"""HTML to text.

Only the tags of HTML's own elements count as markup: `a < b`, `vector<int>` and `<user@host>` stay
as they are, which people write into HTML, too. selectolax (lexbor) reads what is left: a quarter
faster than lxml on questions of Stack Exchange and eleven times as fast as BeautifulSoup, and
elements nested without end neither crash it nor lose text.
"""

import re

from selectolax.lexbor import LexborHTMLParser

from hf_assets.corpora.text.elements import BLOCKS, INLINE, decoded

# Only their line ends count: inside of them lexbor would read text otherwise than elsewhere.
_BARE = frozenset(("body", "head", "html", "iframe", "optgroup", "option", "select", "textarea",
                   "title"))  # fmt: skip
# What is in them is code or nothing to read; without an end they would take the whole rest along.
_CLOSED = frozenset(("pre", "script", "style", "!--"))
_ENDS = re.compile(r"</(?P<name>pre|script|style)\s*+>|-->", re.IGNORECASE)

# No part can match in two ways: a hostile text costs time in proportion to its length.
_TAG = re.compile(
    r"<(?P<opened>!--)|<!(?P<doctype>doctype)[^<>]*+>|</?(?P<name>[a-z][a-z0-9]*+)"
    r"(?:\s++[\w:.-]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>=]++))?+)*+\s*+/?+>|<",
    re.IGNORECASE,
)
# Far more than a person writes: lexbor's time can grow with the square of the open elements.
_MOST_TAGS = 5_000


def html_text(source: str, code: bool) -> str:
    """The text of HTML, with line ends around blocks.

    Args:
        source: Unicode text without lone surrogates.
        code: keep blocks of code (`<pre>`); code inside a line always stays.
    """
    marked = _marked(source, code) if "<" in source else None
    if marked is None:
        return decoded(source)
    tree = LexborHTMLParser(marked)
    tree.strip_tags(["pre", "script", "style"], recursive=True)
    return tree.body.text() if tree.body else ""


def _marked(source: str, code: bool) -> str | None:
    """`source` with line ends around blocks, and `<` only where it is markup; None without any."""
    last_end = {(end["name"] or "!--").lower(): end.start() for end in _ENDS.finditer(source)}
    tags = 0

    def replaced(tag: re.Match[str]) -> str:
        nonlocal tags
        name = (tag["opened"] or tag["name"] or "").lower()
        ends = name in _CLOSED and tag.start() <= last_end.get(name, -1)
        if not (ends or name == "pre" or name in BLOCKS or name in INLINE or tag["doctype"]):
            return "&lt;" + tag[0][1:]
        tags += 1
        space = "" if name in INLINE else "\n"
        bare = name in _BARE or (name == "pre" and (code or not ends))
        closes = ends and tag[0].startswith("</")
        if bare or (tags > _MOST_TAGS and not closes):
            return space
        return space + tag[0] + space

    marked = _TAG.sub(replaced, source)
    return marked if tags else None
