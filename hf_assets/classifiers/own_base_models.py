"""The base models of a process: the package's, and those of a user's TOML file.

An entry names a base model by its id on the Hub or by its folder; each becomes a partition of the
classifiers. Each is validated by itself, so that a broken one stops no other. The graph loads this
module, so it imports nothing heavy.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel as Model
from pydantic import ConfigDict, Field, ValidationError, model_validator

from hf_assets.classifiers.training.base_models import BASE_MODELS, BaseModel, Pooling
from hf_assets.corpora.entries import EntryError, checked, invalid, problem, read_entries

# Folders beside those of base models.
RESERVED = frozenset(
    ("baseline", "corpus", "drift", "leaderboard", "predictor", "published_tagger", "tagger_space")
)
# Lower case, as some file systems tell no other from it.
_NAME = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9._-]{0,58}[a-z0-9]")
_ID = r"^([A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95}$"


class _Entry(Model):
    """One entry of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: str | None = Field(default=None, pattern=_ID, description="On the Hub: author/name.")
    folder: Path | None = Field(default=None, description="A folder of this machine.")
    revision: str | None = Field(
        default=None,
        pattern=r"^[\w][\w./-]{0,199}$",
        description="Branch, tag or commit on the Hub; without it the newest of the main branch.",
    )
    pooling: Pooling = Field(
        default="mean",
        description="Features of a text: the mean of its tokens' states, or the first one's.",
    )
    layers_to_train: int | None = Field(
        default=None,
        ge=1,
        description="The topmost layers that fine-tuning trains; without it all, embeddings too.",
    )
    max_length: int | None = Field(
        default=None, ge=3, description="Tokens of a text that are read, unless a run says another."
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> "_Entry":
        if bool(self.id) == bool(self.folder):
            raise ValueError("id or folder: one of them says where the base model is")
        if self.folder and self.revision:
            raise ValueError("revision: only of an id on the Hub; a folder has the files it has")
        return self


@dataclass(frozen=True)
class KnownBaseModels:
    """The base models that can be trained, by name, and why each other entry cannot.

    Attributes:
        models: the package's, then the user's.
        problems: an error for each broken entry; one for a file that cannot be read at all.
    """

    models: dict[str, BaseModel]
    problems: tuple[EntryError, ...] = ()

    @property
    def own(self) -> list[BaseModel]:
        """The user's."""
        return [model for name, model in self.models.items() if name not in BASE_MODELS]


def known_base_models(path: Path | None = None) -> KnownBaseModels:
    """The package's base models, and those of a TOML file; a broken entry stops no other.

    Args:
        path: of the file; folders in it are relative to its own.
    """
    if path is None:
        return KnownBaseModels(dict(BASE_MODELS))
    own, problems = read_entries(
        path, "HF_ASSETS_OWN_BASE_MODELS", lambda name, values: _read(name, values, path)
    )
    return KnownBaseModels(BASE_MODELS | own, problems)


def _read(name: str, values: Any, path: Path) -> BaseModel:
    entry = checked(name, values, path, _Entry.model_fields)
    if name in BASE_MODELS:
        raise problem(path, "is a base model of the package; rename it", name)
    if not _NAME.fullmatch(name) or name in RESERVED:
        why = "a-z, 0-9, -, _ and ., 2 to 60 signs, a letter or a digit at both ends, no two dots"
        raise problem(path, f"cannot be the name of a partition and a folder: {why}", name)
    if isinstance(entry.get("folder"), str):
        entry["folder"] = path.parent / entry["folder"] if entry["folder"] else None
    try:
        read = _Entry.model_validate(entry)
    except ValidationError as error:
        raise invalid(name, error, path) from None
    return BaseModel(
        name=name,
        repo=read.id or "",
        revision=read.revision,
        folder=read.folder,
        pooling=read.pooling,
        layers_to_train=read.layers_to_train,
        max_length=read.max_length,
    )
