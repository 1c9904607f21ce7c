"""Whether quotes of a CSV file enclose fields, or merely stand at the begin of some texts.

Of a file that quotes nothing, a text that begins with `"` takes all rows up to the next such sign
as its own: whole rows under another row's labels, and no reader objects. The lines of such a record
show it: each, read without quoting, has as many fields as the header.

A right text of several lines does so by chance alone, and the rest of the file tells: somewhere a
quoted field holds a delimiter or a line of another width, which nobody could read without quotes.
Where nothing tells, or where a line of such a text has labels that other rows have, at their place,
the file is refused, and `quoting` says how it is meant. The label of the record itself does not
count: it is on the first line where its column is before the text, and on the last one after it.
"""

from collections.abc import Sequence
from typing import NamedTuple


class _Suspect(NamedTuple):
    place: str
    lines: int  # those that it has beside its first
    # The cells of labels of its lines, without those that are its own in any case.
    labels: list[tuple[str, ...]]


class StrayQuotes:
    """Looks at each record of a file; `found` then says what is wrong with it."""

    def __init__(
        self, header: Sequence[str], delimiter: str, labels: Sequence[str], separator: str | None
    ) -> None:
        self._delimiter, self._separator = delimiter, separator
        self._delimiters = len(header) - 1
        self._at = [header.index(name) for name in labels]
        self._suspects: list[_Suspect] = []
        self._quoted = False  # the file cannot be read without quoting
        self._known: set[str] = set()

    def see(self, place: str, lines: Sequence[str], fields: Sequence[str]) -> None:
        """A record: the lines it stands on, and what was read of them."""
        fits = all(line.count(self._delimiter) == self._delimiters for line in lines)
        if not fits:
            self._quoted = True
        elif len(lines) > 1:
            self._suspects.append(_Suspect(place, len(lines) - 1, self._inside(lines, fields)))
        if len(lines) == 1:
            self._known.update(*map(self._parts, self._labels(fields)))

    def found(self) -> str | None:
        """What is wrong, with its place and what to do; None where quotes are quotes."""
        for suspect in self._suspects:
            if any(map(self._like_others, suspect.labels)) or self._reads_without(suspect):
                return (
                    f"{suspect.place}: a quote opens here that would enclose "
                    f"{suspect.lines} line(s) which look like rows of their own. Where no "
                    "field of the file is quoted, declare quoting = 'none' in the corpus; where "
                    "this is one text of several lines, quoting = 'standard'"
                )
        return None

    def _reads_without(self, suspect: _Suspect) -> bool:
        """Whether the file, and that record, can be read without quoting as well."""
        return not self._quoted and (self._delimiter == "\t" or all(map(_tidy, suspect.labels)))

    def _inside(self, lines: Sequence[str], fields: Sequence[str]) -> list[tuple[str, ...]]:
        """What stands where labels do, line by line, but for the labels of the record itself."""
        # A field begins as many lines below its record as there are line ends before it.
        own = {at: sum(field.count("\n") for field in fields[:at]) for at in self._at}
        found = []
        for number, line in enumerate(lines):
            cells = line.rstrip("\r\n").split(self._delimiter)
            found.append(tuple(cells[at] for at in self._at if own[at] != number))
        return [cells for cells in found if cells]

    def _labels(self, fields: Sequence[str]) -> tuple[str, ...]:
        return tuple(fields[at] for at in self._at)

    def _parts(self, cell: str) -> set[str]:
        parts = cell.split(self._separator) if self._separator else [cell]
        return {part.strip() for part in parts if part.strip()}

    def _like_others(self, cells: tuple[str, ...]) -> bool:
        parts = set().union(*map(self._parts, cells))
        return _tidy(cells) and bool(parts) and parts <= self._known


def _tidy(cells: tuple[str, ...]) -> bool:
    """Whether that may be cells of labels: after a comma within a text stands a space."""
    return any(cells) and all(cell == cell.strip() for cell in cells)
