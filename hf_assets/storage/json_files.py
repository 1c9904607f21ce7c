"""JSON objects in files of the lake."""

import json
from pathlib import Path
from typing import Any

from hf_assets.errors import InputError


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file that another asset wrote.

    Raises:
        InputError: it is not there, or torn.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): materialise it again") from error


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a readable JSON file; NaN, which JSON does not know, is refused."""
    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    path.write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")
