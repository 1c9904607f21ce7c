"""Labels of a row, however a table writes them: lists, separated text, classes, vectors, columns.

A column has one shape. Cells that fit two shapes, or a column that mixes them, are refused with
file and line: a wrong guess makes another corpus without a sign of it. `literals.py` parses printed
lists.
"""

import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

from hf_assets.corpora.tables.cell_values import (
    flag,
    joined_cell,
    missing,
    says_bool,
    scores,
    whole,
)
from hf_assets.corpora.tables.printed_lists import (
    is_attempt,
    is_list,
    is_never_a_label,
    is_to_stay_whole,
    postgres_array,
)
from hf_assets.corpora.tables.records import Record, TableError
from hf_assets.literals import InvalidLiteral, parse_literal

# Where a list has objects, the one of these that an object has is its label.
NAME_KEYS = ("name", "label", "tag", "title")
# Objects with one of these are a model's answer: all labels there are, each with a number.
_SCORE_KEYS = ("score", "probability", "confidence")

# What no single label in brackets has: `[sic]` may be one, `[a, b]` is not.
_SEVERAL = re.compile(r"[\s,;'\"]")
_VECTOR_TEXT = re.compile(r"(?:[01](?:\.0*)?[\s,;|]+)+[01](?:\.0*)?")
_ADVICE_VECTOR = (
    "declare label_names = [...] with the names in their order, and they are read as names"
)
_ADVICE_BRACES = "declare one_label = true if each cell is one label"


@dataclass
class LabelCells:
    """Reads the cells of labels, row after row.

    Args:
        columns: one column; or several, each a label, with 0 and 1 in their cells.
        separator: what stands between the labels of a text.
        names: what the places of a vector of 0 and 1, or numbers of classes, stand for; of several
            columns, what these stand for.
        one_label: each cell is one label, whatever signs are in it.
    """

    columns: tuple[str, ...]
    separator: str | None = None
    names: tuple[str, ...] | None = None
    one_label: bool = False
    # Cells of several columns in which nothing stood, which was taken for 0.
    empty: int = 0
    # The place of the first row of each shape.
    _shapes: dict[str, str] = field(default_factory=dict)
    _pair: str | None = None
    _no_pair: bool = False
    _split_once: bool = False
    _cells: dict[str, str] = field(default_factory=dict)
    # The first cell such as `{joy}`, and whether another one shows that braces are arrays.
    _braced: str | None = None
    _arrays: bool = False

    def read(self, record: Record) -> list[str]:
        """The labels of a row, as they are written.

        Raises:
            TableError: the cell is none of the shapes, or not of that of the rows before.
        """
        if len(self.columns) > 1:
            return self._of_columns(record)
        value = record.fields.get(self.columns[0])
        if missing(value):
            return []
        if isinstance(value, str):
            return self._of_text(record, value)
        if isinstance(value, list):
            self._shape(record, "a list of labels", value)
            return self._of_list(record, value)
        if isinstance(value, bool | int | float):
            self._shape(record, "one label", value)
            return self._of_class(record, value) if self.names else [str(value)]
        return self._refuse(record, value, "is no list of labels, and no label")

    def finish(self) -> None:
        """Look at the column as a whole, after its last row.

        Raises:
            TableError: all rows are vectors of two, or the cells look like several labels each.
        """
        if self._pair and not self._no_pair:
            raise TableError(
                f"{self._pair} in {self.columns[0]}, and all other rows are such vectors of 0 and "
                f"1: {_ADVICE_VECTOR}"
            )
        if self._braced and not self._arrays:
            raise TableError(
                f"{self._braced} in {self.columns[0]} may be a label or a list of one, and no row "
                f"tells: {_ADVICE_BRACES}, or write lists as JSON"
            )
        # A separator that is in no cell is a wrong one, or there is but one label a row.
        if not self._split_once and (found := joined_cell(self._cells)):
            cell, sign = found
            raise TableError(
                f"{self._cells[cell]}: {cell[:80]!r} in {self.columns[0]} looks like several "
                f"labels that other rows have, too; declare separator = {sign!r}, or "
                + ("leave it out and declare " if self.separator else "")
                + "one_label = true if each cell is one label"
            )

    # --- several columns -------------------------------------------------------------------------

    def _of_columns(self, record: Record) -> list[str]:
        found = []
        for column, name in zip(self.columns, self.names or self.columns, strict=True):
            value = record.fields.get(column)
            given = 0 if missing(value) else flag(value)
            self.empty += missing(value)
            if given is None:
                self._refuse(record, value, "is neither 0 nor 1 (true, false)", column)
            if given:
                found.append(name)
        return found

    # --- texts -----------------------------------------------------------------------------------

    def _of_text(self, record: Record, text: str) -> list[str]:
        stripped = text.strip()
        if self.one_label:
            if _SEVERAL.search(stripped) and is_never_a_label(stripped):
                self._refuse(
                    record,
                    text,
                    "is a list: write lists as JSON, and leave one_label out of the corpus",
                )
            return self._of_class(record, text) if self.names else [text]
        if self.separator:
            return self._split(record, text)
        if (array := postgres_array(stripped)) is not None:
            return self._of_array(record, stripped, array)
        if is_attempt(stripped) or isinstance(_literal(stripped), tuple | set | dict):
            return self._of_print(record, stripped)
        if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\"":
            self._refuse(
                record, text, "is in quotes: remove them (is quoting of the corpus right?)"
            )
        if _VECTOR_TEXT.fullmatch(stripped):
            self._refuse(
                record,
                text,
                f"is a vector of 0 and 1: declare the separator between them, and {_ADVICE_VECTOR}",
            )
        self._shape(record, "one label", text)
        if self.names:
            return self._of_class(record, stripped)
        self._cells.setdefault(stripped, record.place)
        return [text]

    def _split(self, record: Record, text: str) -> list[str]:
        stripped = text.strip()
        if is_to_stay_whole(stripped):
            try:
                if postgres_array(stripped) is None:
                    parse_literal(stripped)
                what = "is a list already; leave the separator out of the corpus"
            except InvalidLiteral as error:
                what = (
                    f"looks like a list, which no separator takes apart, and is none that can be "
                    f"read ({error}); write lists as JSON, without a separator in the corpus"
                )
            self._refuse(record, text, what)
        parts = [part for part in text.split(self.separator) if part.strip()]
        if len(parts) == 1:
            self._cells.setdefault(stripped, record.place)
        self._split_once = self._split_once or len(parts) > 1
        for part in map(str.strip, parts):
            if len(part) > 1 and part[0] == part[-1] and part[0] in "'\"":
                self._refuse(record, text, "has labels in quotes: remove them, or write a list")
        return self._of_list(record, parts)

    def _of_print(self, record: Record, text: str) -> list[str]:
        try:
            value = parse_literal(text)
        except InvalidLiteral as error:
            self._refuse(
                record,
                text,
                f"is no list of labels that can be read ({error}); write lists as JSON"
                + ("" if is_never_a_label(text) else ", or declare one_label = true if it is none"),
            )
        if isinstance(value, set | frozenset):
            value = sorted(value, key=str)
        if not isinstance(value, list | tuple):
            what = "is an object, and" if isinstance(value, dict) else "is"
            self._refuse(record, text, f"{what} no list of labels")
        self._shape(record, "a list of labels", text)
        return self._of_list(record, list(value))

    def _of_array(self, record: Record, text: str, items: list[Any]) -> list[str]:
        """Braces as Postgres prints arrays; `{joy}` alone may be a label, and others tell."""
        if any(sign in text for sign in ',"') or is_list(text):
            self._arrays = True
        else:
            self._braced = self._braced or f"{record.place}: {text[:80]!r}"
        self._shape(record, "a list of labels", text)
        return self._of_list(record, items)

    # --- lists -----------------------------------------------------------------------------------

    def _of_list(self, record: Record, items: list[Any]) -> list[str]:
        items = [self._item(record, items, one) for one in items]
        if self.names:
            return self._by_names(record, items)
        there = [one for one in items if isinstance(one, str) or not missing(one)]
        if any(isinstance(one, bool) for one in there):
            self._refuse(record, items, f"has true and false: {_ADVICE_VECTOR}")
        self._look_for_vectors(record, there)
        return [str(one) for one in there]

    def _item(self, record: Record, items: list[Any], item: Any) -> Any:
        if isinstance(item, dict):
            return self._name_of(record, items, item)
        if item is None or isinstance(item, str | bool | int | float):
            return item
        return self._refuse(record, items, f"is no list of labels: {str(item)[:40]!r} is none")

    def _name_of(self, record: Record, items: list[Any], item: dict[Any, Any]) -> str:
        if any(key in item for key in _SCORE_KEYS):
            self._refuse(record, items, "has a score beside each label: keep those that hold")
        found = [item[key] for key in NAME_KEYS if isinstance(item.get(key), str)]
        if len({*found}) != 1:
            what = "more than one" if found else "none"
            self._refuse(record, items, f"has objects with {what} of {', '.join(NAME_KEYS)}")
        return found[0]

    def _look_for_vectors(self, record: Record, items: list[Any]) -> None:
        """Refuse what no list of labels is: `[0, 1, 0]`, `[0, 3, 3]`, `[0.1, 0.7]`."""
        flags = [flag(one) for one in items]
        repeats = len(set(map(str, items))) < len(items)
        numbers = [one for one in items if isinstance(one, int | float)]
        if len(items) > 1 and None not in flags:
            if len({*flags}) < len(flags):
                self._refuse(record, items, f"is a vector of 0 and 1: {_ADVICE_VECTOR}")
            self._pair = self._pair or f"{record.place}: {items!r}"
        elif items:
            self._no_pair = True
        if len(numbers) == len(items) > 1 and repeats:
            self._refuse(record, items, "has numbers that repeat: it is no list of labels")
        if len(numbers) == len(items) > 1 and scores(numbers):
            self._refuse(record, items, "has scores, not labels: keep the labels that hold")

    # --- names -----------------------------------------------------------------------------------

    def _by_names(self, record: Record, items: list[Any]) -> list[str]:
        names = self.names or ()
        flags = [flag(one) for one in items]
        if len(items) == len(names) and None not in flags:
            self._shape(record, "a vector of 0 and 1", items)
            return [name for name, flag in zip(names, flags, strict=True) if flag]
        numbers = [whole(one) for one in items if not missing(one)]
        if None in numbers or len({*numbers}) < len(numbers):
            self._refuse(
                record,
                items,
                f"has {len(items)} values, and label_names {len(names)} names: neither a vector of "
                "as many 0 and 1, nor numbers of classes",
            )
        if numbers:
            self._shape(record, "numbers of classes", items)
        return [self._class_name(record, items, number) for number in numbers]

    def _of_class(self, record: Record, value: Any) -> list[str]:
        """A number as the name it stands for; one below 0 is how datasets write "not labelled"."""
        number = flag(value) if says_bool(value) and len(self.names or ()) == 2 else whole(value)
        if number is not None and number < 0:
            return []
        return [self._class_name(record, value, number)]

    def _class_name(self, record: Record, value: Any, number: int | None) -> str:
        names = self.names or ()
        if number is None or not 0 <= number < len(names):
            self._refuse(record, value, f"names none of the {len(names)} label_names (from 0)")
        return names[number]

    # --- refusals --------------------------------------------------------------------------------

    def _shape(self, record: Record, shape: str, value: Any) -> None:
        """Refuse a row whose shape excludes that of a row before."""
        for pair in _EXCLUDE:
            # With a separator, one label is a list of one.
            if shape not in pair or (self.separator and pair is _LABEL_OR_LIST):
                continue
            self._shapes.setdefault(shape, record.place)
            other = pair[1 - pair.index(shape)]
            if other in self._shapes:
                self._refuse(
                    record,
                    value,
                    f"is {shape}, and {self._shapes[other]} has {other}: write all rows alike, "
                    "best as JSON lists"
                    + (f", or {_ADVICE_BRACES}" if self._braced and not self._arrays else ""),
                )

    def _refuse(self, record: Record, value: Any, what: str, column: str | None = None) -> NoReturn:
        text = value if isinstance(value, str) else str(value)
        column = column or self.columns[0]
        raise TableError(f"{record.place}: {text[:80]!r} in {column} {what}")


_LABEL_OR_LIST = ("one label", "a list of labels")
_EXCLUDE = (_LABEL_OR_LIST, ("a vector of 0 and 1", "numbers of classes"))


def _literal(text: str) -> Any:
    """What a text says as a literal; None where it is none."""
    if text[0] not in "[({":
        return None
    try:
        return parse_literal(text)
    except InvalidLiteral:
        return None
