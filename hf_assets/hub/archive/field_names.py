"""Columns of a recorded file → the Hub's field names.

The same letters are the same name: `createdAt`, `created_at` (huggingface_hub's objects), "Created
At". Where several columns say one field, the Hub's own spelling comes first, and the others count
where it has no value. A column that only looks like a field is not read; it is named.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from hf_assets.hub.client.rows import WIRE_SCHEMA, Kind

# Other names of a field, in letters alone; the tables' own among them.
SYNONYMS: Mapping[Kind, Mapping[str, str]] = {
    "models": {
        **{"modelid": "id", "repoid": "id", "hubid": "_id"},
        **{"category": "pipeline_tag", "library": "library_name"},
    },
    "spaces": {"spaceid": "id", "repoid": "id", "hubid": "_id"},
}
# What the Hub and its client serve besides, and no table needs: no misspelt field of ours.
_OTHERS = frozenset(
    {
        *("sha", "siblings", "spaces", "config", "carddata", "disabled", "inference"),
        *("inferenceprovidermapping", "masktoken", "modelindex", "widgetdata", "transformersinfo"),
        *("securityrepostatus", "evalresults", "childrenmodelcount", "resourcegroup", "host"),
        *("subdomain", "region", "authordata", "gitalyuid", "xetenabled", "numparameters"),
        *("availableinferenceproviders", "widgetoutputurls", "repotype", "title", "day", "date"),
        *("datasets", "models", "sdk"),
    }
)
# What the tables make themselves, and of which fields.
_MADE: Mapping[str, tuple[str, ...]] = {"license": ("tags",), "parameters": ("safetensors", "gguf")}
# Columns that may hold ids, or only the part after the author: not read for either.
_MAYBE_IDS = ("modelname", "spacename", "reponame", "fullname", "model", "space", "name")
# A name at least this much like a field's may be meant for it.
_ALIKE = 0.84
# Part of a field's name, such as `created`, must be at least this much of it.
_PART = 0.6


def letters(name: str) -> str:
    """What of a name counts: `created_at`, `Created-At` and `createdAt` are one."""
    return re.sub(r"[\s_-]", "", name).lower()


@lru_cache(maxsize=1 << 12)
def wire_name(kind: Kind, column: str) -> str | None:
    """The field that a column holds, or None where it is none that the tables need."""
    if column in WIRE_SCHEMA[kind]:
        return column
    plain = letters(column)
    by_letters = {letters(name): name for name in WIRE_SCHEMA[kind] if name != "_id"}
    return by_letters.get(plain) or SYNONYMS[kind].get(plain)


def columns_of(kind: Kind, columns: Iterable[str]) -> dict[str, list[str]]:
    """The columns of each field, the Hub's own spelling first."""
    found: dict[str, list[str]] = {}
    for column in dict.fromkeys(columns):
        if (name := wire_name(kind, column)) is not None:
            found.setdefault(name, []).append(column)
    return {
        name: sorted(of, key=lambda one: (one != name, letters(one) != letters(name)))
        for name, of in found.items()
    }


def is_row(found: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a row, and no object of lists of rows by kind.

    A row has an id; what it lists by the name of a kind (`models` of a Space) are no rows.
    """
    lists = (found[kind] for kind in WIRE_SCHEMA if isinstance(found.get(kind), list))
    if any(isinstance(one, dict) for rows in lists for one in rows[:1]):
        return False
    return any("id" in columns_of(kind, found) for kind in WIRE_SCHEMA)


def lookalikes(kind: Kind, columns: Iterable[str], read: Iterable[str]) -> dict[str, str]:
    """Columns that are no field, and look like one that is not there; by column, that field.

    Args:
        kind: "models" or "spaces".
        columns: the columns of a file.
        read: the fields that it has.
    """
    missing = [name for name in WIRE_SCHEMA[kind] if name not in read and len(name) > 3]
    found = {}
    for column in columns:
        if wire_name(kind, column) is None and letters(column) not in _OTHERS:
            alike = next((name for name in missing if _alike(letters(column), letters(name))), None)
            if alike:
                found[column] = alike
    return found


def made_columns(columns: Iterable[str], read: Iterable[str]) -> dict[str, str]:
    """Columns that the tables make themselves, of which nothing that they are made of was read."""
    missing = {name: of for name, of in _MADE.items() if not {*of} & {*read}}
    return {
        column: " or ".join(f"`{one}`" for one in missing[letters(column)])
        for column in columns
        if letters(column) in missing
    }


def hint_of_ids(columns: Iterable[str]) -> str:
    """What to do about a file without ids, where another column may hold them."""
    by_letters = {letters(column): column for column in columns}
    likely = next((by_letters[name] for name in _MAYBE_IDS if name in by_letters), None)
    return f": rename `{likely}` if its values are `author/name`" if likely else ""


@lru_cache(maxsize=1 << 15)
def _alike(column: str, name: str) -> bool:
    if len(column) > 100:
        return False
    if name in column or (column in name and len(column) >= _PART * len(name)):
        return True
    return SequenceMatcher(None, column, name).ratio() >= _ALIKE
