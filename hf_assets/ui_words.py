"""Words of the UI: labels of fields, and shares."""

# Labels that a field's name does not spell out.
_LABELS = {
    "bytes": "size (bytes)",
    "coerced": "coerced to null",
    "days_missing": "missing days",
    "distinct": "distinct rows",
    "doubled": "duplicates",  # a count's key in the files
    "floor dated": "created on 2022-03-02 or before",
    "nulled": "coerced to null",  # a count's key in the files
    "total": "rows that the Hub counts",
}
# Beginnings of a count's key in the files, with the label of the field that follows.
_COUNTS_BY_FIELD = {"nulled ": "{} coerced to null", "clipped ": "{} clipped to 0"}
# Units at the end of a field's name.
_UNITS = {"_percent": " (%)", "_points": " (percentage points)", "_bytes": " (bytes)"}


def label(name: str) -> str:
    """The label of a field: words, and the unit.

    Args:
        name: of a field ("expected_rows", "fell_percent"), or a key of a table's notes. Another
            text is its own label.
    """
    if name in _LABELS:
        return _LABELS[name]
    for beginning, text in _COUNTS_BY_FIELD.items():
        if name.startswith(beginning):
            return text.format(name.removeprefix(beginning))
    if not name.isidentifier():
        return name
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            return name.removesuffix(ending).replace("_", " ") + unit
    return name.replace("_", " ")


def percent(share: float) -> str:
    """A share from 0 to 1 as a text with three digits: "100 %", "9.25 %"."""
    return f"{100 * share:.3g} %"
