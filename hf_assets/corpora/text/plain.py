"""A text as one line of plain text, and the similarity of two texts.

`html.py` and `markdown.py` remove markup; `groups.py` groups duplicates.
"""

import hashlib
import re

from hf_assets.corpora.text.formats import TextFormat
from hf_assets.corpora.text.html import html_text
from hf_assets.corpora.text.markdown import markdown_text

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2060\ufeff]")

# Near duplicates: Jaccard similarity, in hundredths, of their sets of three words in a row.
NEAR = 85
_EDGES = ".,;:!?\"'`()[]{}*_\u2026\u201c\u201d\u2018\u2019\u00ab\u00bb"


def plain(source: str | None, text_format: TextFormat, *, code: bool = False) -> str:
    """A text as one line of plain text; nothing gives an empty text.

    Markup goes and character references are decoded, as far as the format has them; runs of white
    space become one space.

    Args:
        source: the text as it came.
        text_format: what it is written in.
        code: keep HTML's blocks of code (`<pre>`); code inside a line always stays.
    """
    if not source:
        return ""
    # What is no Unicode text (a lone surrogate) cannot be stored either.
    source = source.encode("utf-8", "replace").decode("utf-8")
    if text_format == "html":
        source = html_text(source, code)
    elif text_format == "markdown":
        source = markdown_text(source, code)
    return squeezed(source)


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
