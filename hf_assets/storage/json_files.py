"""JSON objects in files of the lake, as dicts and as typed records."""

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from hf_assets.errors import InputError
from hf_assets.object_store.errors import StoreError
from hf_assets.object_store.path import LakePath

Record = TypeVar("Record", bound=msgspec.Struct)


def read_json(path: LakePath) -> dict[str, Any]:
    """The object in a file that another asset wrote.

    Raises:
        InputError: the file is missing, torn, or holds no object.
        StoreError: the store does not give it.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except StoreError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): materialise it again") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} holds no JSON object: materialise it again")
    return value


def write_json(path: Path, value: Any) -> None:
    """Write a readable JSON file; NaN, which JSON does not know, is refused."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    path.write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")


def read_record(path: LakePath, kind: type[Record]) -> Record:
    """The record in a file that another asset wrote, of this version or of an earlier one.

    Keys that `kind` does not have are ignored; fields that the file does not have get their
    defaults.

    Raises:
        InputError: the file is missing, torn, or a value is of another type.
    """
    value = read_json(path)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{path} cannot be read ({error}): materialise it again") from error


def write_record(path: Path, record: msgspec.Struct) -> None:
    """Write a record as a readable JSON file, under the names that `rename` gives its fields."""
    write_json(path, msgspec.to_builtins(record, enc_hook=str))
