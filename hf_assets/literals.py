"""The parser of values in texts: JSON, and literals as Python, numpy and DuckDB print them.

Tables have printed lists and objects in cells: `["a"]`, `['a', 'b']`, `['a' 'b']` (numpy, without
commas, wrapped at 75 characters), `array(['a'], dtype=object)`,
`SafeTensorsInfo(parameters={'F16': 5}, total=5)`, `[a, 'b c']` (DuckDB). Nothing is evaluated or
guessed: a truncated or ambiguous text is no value.
"""

import ast
import json
import re
import warnings
from typing import Any, NoReturn

# The deepest nesting of a real list.
DEEPEST = 50
# Digits of a number; Python reads no more than 4300.
_LONGEST_NUMBER = 400
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>(?P<prefix>[bBfFrRuU]{0,2})(?:'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"))
    |(?P<number>[+-]?(?:inf|(?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?\d++)?+)(?![\w.]))
    |(?P<cut>\.\.\.|…)
    |(?P<word>\w[\w.+/-]*)
    |(?P<mark>[][(){},:=])
    )""",
    re.DOTALL | re.VERBOSE,
)
# An item of a list as DuckDB prints it, with its end; quoted only if necessary.
_DUCKDB_ITEM = re.compile(
    r"""(?:'(?P<quoted>[^'\\]*+(?:\\.[^'\\]*+)*+)'
    |(?P<bare>[^\s,:=()\[\]{}'"\\][^,:=()\[\]{}'"\\\n]*+))(?P<end>,[ ]|\]\Z)""",
    re.DOTALL | re.VERBOSE,
)
_DUCKDB_QUOTES = re.compile(r"""[,:=()\[\]{}'"\\]|^\s|\s$|^$|^(?i:null)$""")
_CUT_OFF = re.compile(r"\.\.\.|…|Ellipsis")
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("True", "true", "np.True_"), True),
    **dict.fromkeys(("False", "false", "np.False_"), False),
    # Texts of a missing value in a list.
    **dict.fromkeys(("None", "null", "NULL", "nan", "NaN", "NaT")),
}
# Wrappers that add nothing to a value.
_WRAPPERS = {"array", "np.array", "list"}
_SCALARS = re.compile(r"(?:np|numpy)\.\w+")
# Arguments that describe an array's values.
_DESCRIPTIONS = {"dtype", "shape"}
_BRACKETS = {"[": "]", "(": ")", "{": "}"}


class InvalidLiteral(ValueError):
    """A text is no literal, or an ambiguous one; the message has the reason."""


def parse_literal(text: str, *, bare_words: bool = False) -> Any:
    """Parse a literal.

    JSON, and literals of Python: lists, tuples, sets, dicts, texts, bytes, numbers, True, False and
    None, with NaN as None. Of numpy arrays (`[1. 2.]`, `['a' 'b']`, `array([...])`, nested too)
    lists; of numpy's scalars (`np.str_('a')`) the value; of an object's print with names
    (`Info(total=5)`) a dict. The time is linear in the text.

    Args:
        text: of a cell; surrounding space does not count.
        bare_words: take words without quotes in a list with commas for texts, as DuckDB writes
            `[a, 'b:c']`. In a list that DuckDB prints texts of, all that has no quotes is a text
            as it is written: `[time series, 100, 'license:mit']`.

    Raises:
        InvalidLiteral: another text; a truncated one (`...`, or no end); a missing comma between
            texts; nesting deeper than `DEEPEST`.
    """
    try:
        return json.loads(text, parse_constant=_json_constant)
    except (ValueError, RecursionError):
        pass
    try:
        value = _Reader(text, bare_words).read()
    except InvalidLiteral:
        if not bare_words or (texts := _duckdb_texts(text.strip())) is None:
            raise
        return texts
    if not bare_words or not isinstance(value, list):
        return value
    mixed = any(isinstance(item, int | float) for item in value)
    texts = _duckdb_texts(text.strip()) if mixed else None
    return value if texts is None else texts


def _duckdb_texts(text: str) -> list[str | None] | None:
    """The texts of a list that DuckDB printed; None if the list may hold other values."""
    if text[:1] != "[":
        return None
    items: list[str | None] = []
    at, is_text = 1, False
    while at < len(text):
        match = _DUCKDB_ITEM.match(text, at)
        if match is None:
            return None
        item = match["bare"]
        if item is None:
            item = re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL)
            if not _DUCKDB_QUOTES.search(item):
                return None
            is_text = True
        elif _CUT_OFF.search(item) or item != item.rstrip():
            return None
        else:
            is_text = is_text or not _is_plain(item)
        items.append(None if match["bare"] == "NULL" else item)
        at = match.end()
    # A single item without commas may come from many programs.
    return items if is_text and len(items) > 1 else None


def _is_plain(item: str) -> bool:
    """Whether an unquoted word may be another value than a text."""
    number = _TOKEN.fullmatch(item)
    return item in _CONSTANTS or (number is not None and number["number"] is not None)


def _json_constant(name: str) -> float | None:
    return None if name == "NaN" else float(name)


class _Bare(str):
    """An unquoted word: a text only in a list with commas."""

    __slots__ = ()


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str, bare_words: bool) -> None:
        self.text, self.bare_words = text, bare_words
        self.at = self.depth = 0
        self.spaced = False
        self._next()

    def read(self) -> Any:
        value = self._value()
        if self.kind != "end":
            self._fail("something follows the value")
        return self._plain(value)

    def _next(self) -> None:
        """Read the next token; `spaced` is true for a token after a space."""
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            self.begin, self.token = self.at, self.text[self.at : self.at + 1]
            self.kind = "other" if self.text[self.at :].strip() else "end"
            return
        self.kind = match.lastgroup or ""
        if self.kind == "prefix":
            self.kind = "text"
        self.token = match[self.kind]
        self.begin = match.start(self.kind)
        self.spaced = self.begin > self.at
        self.at = match.end()

    def _fail(self, why: str) -> NoReturn:
        raise InvalidLiteral(f"{why} at character {self.begin + 1}")

    def _is(self, mark: str) -> bool:
        return self.kind == "mark" and self.token == mark

    def _expect(self, mark: str) -> None:
        if not self._is(mark):
            self._fail("it was cut short" if self.kind in ("end", "cut") else f"no {mark!r}")
        self._next()

    def _plain(self, value: Any) -> Any:
        if isinstance(value, _Bare):
            self._fail(f"{value[:50]!r} has no quotes")
        return value

    def _value(self) -> Any:
        kind, token = self.kind, self.token
        if kind == "mark" and token in _BRACKETS:
            return self._container(token)
        if kind == "text":
            return self._text()
        if kind == "number":
            self._next()
            return self._number(token)
        if kind == "word":
            self._next()
            if self._is("(") and not self.spaced:
                return self._call(token)
            return _CONSTANTS[token] if token in _CONSTANTS else _Bare(token)
        if kind == "cut":
            self._fail("it was cut short (...)")
        return self._fail("it was cut short" if kind == "end" else f"{token!r} is no value")

    def _number(self, token: str) -> int | float:
        if len(token) > _LONGEST_NUMBER:
            self._fail("a number too long")
        try:
            return int(token)
        except ValueError:
            return float(token)

    def _text(self) -> str | bytes:
        token = self.token
        if "\\" not in token and token[0] in "'\"":
            value: Any = token[1:-1]
        else:
            try:
                with warnings.catch_warnings(action="ignore"):
                    value = ast.literal_eval(token)
            except (ValueError, SyntaxError):
                self._fail("a text that Python does not read")
        self._next()
        return value

    def _container(self, bracket: str) -> Any:
        self.depth += 1
        if self.depth > DEEPEST:
            self._fail("nested too deep")
        self._next()
        if bracket == "{":
            value = self._dict_or_set()
        else:
            items, commas = self._items(_BRACKETS[bracket], spaces=bracket == "[")
            value = items
            if bracket == "(":
                value = tuple(items) if commas or not items else items[0]
        self.depth -= 1
        return value

    def _items(self, end: str, *, spaces: bool) -> tuple[list[Any], int]:
        """Values up to a bracket, all separated by commas, or, with `spaces`, all by spaces."""
        items: list[Any] = []
        commas = 0
        while not self._is(end):
            missing = items and commas < len(items)
            if missing and (not spaces or commas or not self.spaced):
                self._expect(",")  # fails with its position
            items.append(self._value())
            if self._is(","):
                if commas != len(items) - 1:
                    self._fail("a comma, and none before")
                commas += 1
                self._next()
        self._next()
        bare = [item for item in items if isinstance(item, _Bare)]
        if bare and not (self.bare_words and spaces and (commas or len(items) == 1)):
            self._plain(bare[0])
        return [str(item) if isinstance(item, _Bare) else item for item in items], commas

    def _dict_or_set(self) -> dict[Any, Any] | set[Any]:
        if self._is("}"):
            self._next()
            return {}
        first = self._plain(self._value())
        if not self._is(":"):
            if self._is(","):
                self._next()
                rest, _ = self._items("}", spaces=False)
            else:
                self._expect("}")
                rest = []
            return self._hashed(lambda: {first, *rest})
        pairs = [(first, self._after(":"))]
        while self._is(","):
            self._next()
            if self._is("}"):
                break
            name = self._plain(self._value())
            pairs.append((name, self._after(":")))
        self._expect("}")
        return self._hashed(lambda: dict(pairs))

    def _after(self, mark: str) -> Any:
        self._expect(mark)
        value = self._value()
        return str(value) if self.bare_words and isinstance(value, _Bare) else self._plain(value)

    def _hashed(self, make: Any) -> Any:
        try:
            return make()
        except TypeError:
            return self._fail("a list or dict where only a plain value may be")

    def _call(self, name: str) -> Any:
        """`array([...], dtype=object)`, `np.str_('a')`, `Info(total=5)`."""
        self.depth += 1
        if self.depth > DEEPEST:
            self._fail("nested too deep")
        self._next()
        values: list[Any] = []
        named: dict[str, Any] = {}
        while not self._is(")"):
            value = self._value()
            if isinstance(value, _Bare) and self._is("="):
                self._next()
                argument = self._value()
                if value not in _DESCRIPTIONS:
                    named[str(value)] = self._plain(argument)
            else:
                values.append(self._plain(value))
            if not self._is(")"):
                self._expect(",")
        self._next()
        self.depth -= 1
        wraps = name in _WRAPPERS or _SCALARS.fullmatch(name)
        if wraps and len(values) == 1 and not named:
            return values[0]
        if named and not values and not wraps:
            return named
        if name in ("set", "frozenset") and len(values) <= 1 and not named:
            return self._hashed(lambda: set(*values))
        return self._fail(f"{name[:50]}(...) is no value that can be read")
