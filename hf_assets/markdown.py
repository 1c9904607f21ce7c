"""Text from outside inside Markdown: shown as it is, and never more than text."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

LONGEST = 80
# What begins markup, HTML, a table's cell or a link by itself.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>|~$&:@]")


def inert(text: object, longest: int = LONGEST) -> str:
    """One line of at most `longest` characters of the text, its markup as HTML entities.

    Control, format and private characters go, half surrogates too; white space becomes one space.
    """
    kept = (
        " " if char.isspace() else char
        for char in unicodedata.normalize("NFC", str(text))
        if char.isspace() or not unicodedata.category(char).startswith("C")
    )
    line = " ".join("".join(kept).split()) or "(blank)"
    if len(line) > longest:
        line = f"{line[: longest - 1].rstrip()}…"
    line = _MARKUP.sub(lambda found: f"&#{ord(found[0])};", line)
    # What GitHub's dialect makes a link of, and what begins a list, a heading or a rule.
    line = re.sub(r"(?i)(?<=www)\.", "&#46;", line)
    return re.sub(r"^[-+#.]|^[0-9]+(?=\.)", lambda found: _entities(found[0]), line)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> str:
    """A Markdown table; cells are Markdown already.

    Args:
        header: of the columns.
        rows: their cells.
        texts: the first so many columns are texts, on the left; numbers are on the right.
    """
    rules = ["---"] * texts + ["---:"] * (len(header) - texts)
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rules, *rows))


def _entities(text: str) -> str:
    return "".join(f"&#{ord(char)};" for char in text)
