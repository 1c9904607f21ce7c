"""The files of an encoder's folder: which there must be, and what is wrong with those there are.

Light to import.
"""

from pathlib import Path
from pickle import UnpicklingError

from hf_assets.errors import clean

# What transformers reads of a repository; safetensors before pickles.
CONFIG = ("config.json",)
TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spm.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
SAFE = ("model.safetensors", "model.safetensors.index.json", "model-*-of-*.safetensors")
PICKLED = ("pytorch_model.bin",)
# How a file begins that a clone without Git LFS has instead of the weights.
_POINTER = b"version https://git-lfs"
# Of SentencePiece; older repositories have no tokenizer.json beside it.
_PIECES = ("spm.model", "spiece.model", "sentencepiece.bpe.model")
# Any of these lets transformers build the tokenizer: whole, WordPiece, byte pairs, or pieces.
_VOCABULARIES = (
    ("tokenizer.json",),
    ("vocab.txt",),
    ("vocab.json", "merges.txt"),
    *((name,) for name in _PIECES),
)


def missing_files(folder: Path) -> list[str]:
    """The files of a base model that `folder` lacks, in words."""
    lacks = [name for name in CONFIG if not (folder / name).is_file()]
    if not any(next(folder.glob(name), None) for name in (*SAFE, *PICKLED)):
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
    if why := pointer(folder):
        return why
    if isinstance(error, UnpicklingError):
        return (
            f"{folder / PICKLED[0]} is refused: it holds other things than weights, which loading "
            "could run, or is broken. Take the model.safetensors of the base model."
        )
    if "trust_remote_code" in str(error):
        return (
            f"{folder} wants a program of its own to be run (trust_remote_code), which nothing "
            "here does. Take a base model that transformers knows."
        )
    message = clean(error) or type(error).__name__
    return f"{folder} holds no encoder that can be read: {message}"


def pointer(folder: Path) -> str | None:
    """An error message where a file of weights is only a pointer to them."""
    for pattern in (*SAFE, *PICKLED):
        for path in filter(Path.is_file, sorted(folder.glob(pattern))):
            with path.open("rb") as file:
                begins = file.read(len(_POINTER))
            if begins == _POINTER:
                return f"{path} is a pointer of Git LFS: fetch the file itself (git lfs pull)"
    return None
