"""Markdown to text: what is HTML in it goes, Markdown's own signs and all else stay.

CommonMark takes every `<word>` for HTML, and a page then hides it: `List<I>`, `Vec<String>` and
`a <b and c> d` lose words. Here a tag counts as markup where nobody means anything else by it: one
of HTML's own elements, outside of code, and either with its partner (`<b>` … `</b>`), or with an
attribute and its value (`<img src="…">`), or a break, or a block that opens a line. Comments go;
blocks of `<script>` and `<style>` go with what is in them. All other signs stay.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field

from hf_assets.corpora.text.elements import BLOCKS, INLINE, decoded

_BREAKS = frozenset(("br", "hr", "wbr"))
# They stand without their partner as often as with it, at the begin of a line.
_OPEN_ENDED = frozenset(("dd", "dt", "li", "p", "td", "th", "tr"))
_FLAGS = "async|autoplay|checked|controls|default|defer|disabled|download|hidden|ismap|loop|" \
    "multiple|muted|noshade|nowrap|open|readonly|required|reversed|selected"  # fmt: skip

# What may begin markup or code, whatever comes first. No part can match in two ways.
_SIGN = re.compile(
    r"(?P<fence>^\ {0,3}(?P<marks>`{3,}+(?=[^`\n]*+$)|~{3,}+)[^\n]*+)"
    r"|(?P<ticks>`++)|(?P<escaped>\\[!-/:-@\[-`{-~])|(?P<comment><!--)"
    r"|\A\s*+(?P<doctype><!doctype[^<>]*+>)"
    r"|<(?P<end>/?+)(?P<name>[a-z][a-z0-9]*+)(?P<more>(?:"
    r"\s++(?:[a-z_:][\w:.-]*+\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>=`]++)"
    rf"|(?:{_FLAGS})(?=[\s/>])))*+)\s*+/?+>",
    re.IGNORECASE | re.MULTILINE,
)
_TICKS = re.compile("`+")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_ENDS = re.compile(r"</(pre|script|style)\s*+>", re.IGNORECASE)


def markdown_text(source: str, code: bool) -> str:
    """The text of Markdown without the HTML in it.

    Args:
        source: Unicode text without lone surrogates.
        code: keep blocks of code that are HTML (`<pre>`); Markdown's own always stay.
    """
    return _Reading(source, code).text() if "<" in source or "&" in source else source


@dataclass
class _Tag:
    """A tag that may be markup: where its text stands among the parts."""

    part: int
    name: str
    markup: bool


@dataclass
class _Reading:
    """One pass over a text, from sign to sign; each is looked at once."""

    source: str
    code: bool
    parts: list[str] = field(default_factory=list)
    _tags: list[_Tag] = field(default_factory=list)
    _open: defaultdict[str, list[_Tag]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self._runs: defaultdict[int, list[int]] = defaultdict(list)
        for run in _TICKS.finditer(self.source):
            self._runs[len(run[0])].append(run.start())
        self._blank_lines = [line.start() for line in _BLANK_LINE.finditer(self.source)]
        self._ends: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for end in _ENDS.finditer(self.source):
            self._ends[end[1].lower()].append(end.span())
        self._last_comment = self.source.rfind("-->")

    def text(self) -> str:
        """The text; tags of blocks have become line ends."""
        at = 0
        while sign := _SIGN.search(self.source, at):
            self.parts.append(decoded(self.source[at : sign.start()]))
            at = self._past(sign)
        self.parts.append(decoded(self.source[at:]))
        for tag in self._tags:
            if tag.markup:
                self.parts[tag.part] = "" if tag.name in INLINE else "\n"
        return "".join(self.parts)

    def _past(self, sign: re.Match[str]) -> int:
        """Take the sign and what it opens; where to go on."""
        if sign["fence"]:
            return self._as_it_is(sign.start(), self._end_of_fence(sign))
        if sign["ticks"]:
            return self._as_it_is(sign.start(), self._end_of_span(sign))
        if sign["comment"] and sign.end() <= self._last_comment:
            self.parts.append(" ")
            return self.source.index("-->", sign.end()) + 3
        if sign["doctype"]:
            return sign.end()
        if sign["name"]:
            return self._tag(sign, sign["name"].lower())
        return self._as_it_is(*sign.span())

    def _as_it_is(self, begin: int, end: int) -> int:
        self.parts.append(self.source[begin:end])
        return end

    def _end_of_fence(self, sign: re.Match[str]) -> int:
        """Behind the line that closes the block of code; without one it goes on to the end."""
        mark = sign["marks"]
        close = re.compile(rf"^ {{0,3}}{mark[0]}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
        end = close.search(self.source, sign.end())
        return end.end() if end else len(self.source)

    def _end_of_span(self, sign: re.Match[str]) -> int:
        """Behind as many ticks in the same paragraph; without them these are but signs."""
        runs = self._runs[len(sign[0])]
        following = bisect_right(runs, sign.start())
        line = bisect_right(self._blank_lines, sign.start())
        until = self._blank_lines[line] if line < len(self._blank_lines) else len(self.source)
        if following < len(runs) and runs[following] < until:
            return runs[following] + len(sign[0])
        return sign.end()

    def _tag(self, sign: re.Match[str], name: str) -> int:
        opens_line = self._opens_line(sign.start())
        if opens_line and not sign["end"] and (end := self._end_of_block(name, sign.end())):
            self.parts.append("\n")
            return end
        self.parts.append(sign[0])
        if name not in BLOCKS and name not in INLINE and name != "pre":
            return sign.end()
        sure = name in _BREAKS or "=" in sign["more"] or (opens_line and name in _OPEN_ENDED)
        tag = _Tag(len(self.parts) - 1, name, sure)
        self._tags.append(tag)
        if not sign["end"]:
            self._open[name].append(tag)
        elif self._open[name]:
            tag.markup = self._open[name].pop().markup = True
        return sign.end()

    def _opens_line(self, at: int) -> bool:
        """Whether at most three spaces stand between that place and the begin of its line."""
        before = self.source[max(0, at - 4) : at]
        return not before.rpartition("\n")[2].strip(" ") and ("\n" in before or at < 4)

    def _end_of_block(self, name: str, begin: int) -> int:
        """Behind the block that begins there, if all of it is to go; else 0."""
        if name not in ("script", "style") and not (name == "pre" and not self.code):
            return 0
        ends = self._ends[name]
        following = bisect_right(ends, (begin, 0)) if ends else 0
        return ends[following][1] if following < len(ends) else 0
