"""The Hub's field names of a recorded file's columns.

Names are equal by their letters: `createdAt`, `created_at` (huggingface_hub's objects), "Created
At". Several columns may hold the same field: the Hub's own spelling comes first, and the others
fill its missing values. A column that only looks like a field is reported, not read.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from hf_assets.hub.client.wire import WIRE_SCHEMA, Kind

# Other names of a field, by their letters; the tables' own names among them.
SYNONYMS: Mapping[Kind, Mapping[str, str]] = {
    "models": {
        **{"modelid": "id", "repoid": "id", "hubid": "_id"},
        **{"category": "pipeline_tag", "library": "library_name"},
    },
    "spaces": {"spaceid": "id", "repoid": "id", "hubid": "_id"},
    "datasets": {"datasetid": "id", "repoid": "id", "hubid": "_id"},
}
# Other names of the Hub and its client, which no table needs: no misspelt fields.
_OTHERS = frozenset(
    {
        *("sha", "siblings", "spaces", "config", "carddata", "disabled", "inference"),
        *("inferenceprovidermapping", "masktoken", "modelindex", "widgetdata", "transformersinfo"),
        *("securityrepostatus", "evalresults", "childrenmodelcount", "resourcegroup", "host"),
        *("subdomain", "region", "authordata", "gitalyuid", "xetenabled", "numparameters"),
        *("availableinferenceproviders", "widgetoutputurls", "repotype", "title", "day", "date"),
        *("datasets", "models", "sdk", "description", "citation", "paperswithcodeid"),
    }
)
# Columns that the tables derive, and the fields they derive from.
_DERIVED: Mapping[str, tuple[str, ...]] = {
    "license": ("tags",),
    "parameters": ("safetensors", "gguf"),
}
# Columns that may hold ids, or only the part after the author: not read.
_MAYBE_IDS = ("modelname", "spacename", "reponame", "fullname", "model", "space", "name")
# The similarity from which a name may be a misspelt field.
_SIMILARITY = 0.84
# The share of a field's name that a part, such as `created`, must have.
_PART = 0.6


def letters(name: str) -> str:
    """A name by its letters: `created_at`, `Created-At` and `createdAt` are equal."""
    return re.sub(r"[\s_-]", "", name).lower()


@lru_cache(maxsize=1 << 12)
def wire_name(kind: Kind, column: str) -> str | None:
    """The field that a column holds; None if no table needs it."""
    if column in WIRE_SCHEMA[kind]:
        return column
    plain = letters(column)
    by_letters = {letters(name): name for name in WIRE_SCHEMA[kind] if name != "_id"}
    return by_letters.get(plain) or SYNONYMS[kind].get(plain)


def columns_of(kind: Kind, columns: Iterable[str]) -> dict[str, list[str]]:
    """The columns of each field, the Hub's own spelling first."""
    by_field: dict[str, list[str]] = {}
    for column in dict.fromkeys(columns):
        if (name := wire_name(kind, column)) is not None:
            by_field.setdefault(name, []).append(column)
    return {
        name: sorted(same, key=lambda column: (column != name, letters(column) != letters(name)))
        for name, same in by_field.items()
    }


def is_row(value: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a row, rather than lists of rows by kind.

    A row has an id, and its lists by the name of a kind (`models` of a Space) hold no objects.
    """
    lists = (value[kind] for kind in WIRE_SCHEMA if isinstance(value.get(kind), list))
    if any(isinstance(item, dict) for rows in lists for item in rows[:1]):
        return False
    return any("id" in columns_of(kind, value) for kind in WIRE_SCHEMA)


def lookalikes(kind: Kind, columns: Iterable[str], read: Iterable[str]) -> dict[str, str]:
    """The missing field that each unknown column looks like.

    Args:
        kind: "models", "spaces" or "datasets".
        columns: of a file.
        read: the fields that the file has.
    """
    missing = [name for name in WIRE_SCHEMA[kind] if name not in read and len(name) > 3]
    similar = {}
    for column in columns:
        if wire_name(kind, column) is None and letters(column) not in _OTHERS:
            field = next(
                (name for name in missing if _is_similar(letters(column), letters(name))), None
            )
            if field:
                similar[column] = field
    return similar


def derived_columns(columns: Iterable[str], read: Iterable[str]) -> dict[str, str]:
    """Columns that the tables derive from other fields, none of which was read."""
    missing = {name: fields for name, fields in _DERIVED.items() if not {*fields} & {*read}}
    return {
        column: " or ".join(f"`{field}`" for field in missing[letters(column)])
        for column in columns
        if letters(column) in missing
    }


def hint_of_ids(columns: Iterable[str]) -> str:
    """Advice for a file without ids in which another column may hold them."""
    by_letters = {letters(column): column for column in columns}
    likely = next((by_letters[name] for name in _MAYBE_IDS if name in by_letters), None)
    return f": rename `{likely}` if its values are `author/name`" if likely else ""


@lru_cache(maxsize=1 << 15)
def _is_similar(column: str, name: str) -> bool:
    if len(column) > 100:
        return False
    if name in column or (column in name and len(column) >= _PART * len(name)):
        return True
    return SequenceMatcher(None, column, name).ratio() >= _SIMILARITY
