"""What a file of a repository is, by its name: code of a language, or another kind of file."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

# Of a file with an unknown suffix.
REST = "other"


class FileKind(NamedTuple):
    """A language of code, or another kind of file."""

    name: str
    code: bool


def kind_of(path: str) -> FileKind:
    """The kind of a file; suffixes and names are in `suffixes.toml`.

    Args:
        path: in the repository, with its folders.
    """
    name = path.rsplit("/", 1)[-1].lower()
    names, suffixes = _kinds()
    if name in names:
        return names[name]
    dot = name.rfind(".")
    return suffixes.get(name[dot:] if dot >= 0 else "", FileKind(REST, False))


def code_kinds() -> list[str]:
    """The languages of code, in the order of `suffixes.toml`."""
    names, suffixes = _kinds()
    kinds = [*suffixes.values(), *names.values()]
    return list(dict.fromkeys(kind.name for kind in kinds if kind.code))


@cache
def _kinds() -> tuple[dict[str, FileKind], dict[str, FileKind]]:
    """The kinds by name of a file, and by suffix."""
    text = files("hf_assets.hub.space_code").joinpath("suffixes.toml").read_text("utf-8")
    table = tomllib.loads(text)
    found: dict[str, dict[str, FileKind]] = {"names": {}, "suffixes": {}}
    for group in ("code", "other"):
        for by, kinds in table[group].items():
            for kind, values in kinds.items():
                found[by] |= dict.fromkeys(values, FileKind(kind, group == "code"))
    return found["names"], found["suffixes"]
