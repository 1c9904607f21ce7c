"""What the Hub asks of the front matter of cards, checked before anything is sent.

The Hub checks only the README.md at the root of a repository, when it is committed; the model's
card in the folder of a Space would be broken unnoticed. The rules are those of hub-docs: model
cards, `modelcard.md`, `datasetcard.md`, licences, and "Spaces Configuration Reference".
"""

import unicodedata
from collections.abc import Collection
from typing import Annotated, Any, Literal

import yaml
from huggingface_hub import ModelCard, SpaceCard
from huggingface_hub.errors import HFValidationError
from huggingface_hub.repocard import REGEX_YAML_BLOCK
from huggingface_hub.utils import validate_repo_id
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StrictBool,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from hf_assets.errors import clean
from hf_assets.publishing.repository import Kind

# Of a licence that is none of the Hub's: files of the repository.
LICENSE_FILES = ("LICENSE", "LICENSE.md")
_LICENSES = """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
    bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause
    bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0
    cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0
    cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1
    agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc lppl-1.3c ms-pl mpl-2.0 odc-by
    odbl openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr
    deepfloyd-if-license llama2 gemma unknown other
"""
LICENSES = frozenset(_LICENSES.split())
# Symbols, their variants and skin tones, and what joins several into one.
_EMOJI = frozenset(("So", "Sk", "Mn", "Me", "Cf"))


def _license(value: str) -> str:
    if value not in LICENSES:
        raise ValueError("must be one of the Hub's, or other")
    return value


def _id(value: str) -> str:
    try:
        validate_repo_id(value)
    except HFValidationError:
        raise ValueError("must be an id on the Hub, owner/name") from None
    return value


def _emoji(value: str) -> str:
    kinds = {unicodedata.category(character) for character in value}
    if "So" not in kinds or not kinds <= _EMOJI:
        raise ValueError("must be an emoji")
    return value


def _file(value: str, info: ValidationInfo) -> str:
    if value not in (info.context or ()):
        raise ValueError("must be a file of the repository")
    return value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


License = Annotated[str, AfterValidator(_license)]
HubId = Annotated[str, AfterValidator(_id)]
# The Hub takes one, or a list of them.
Listed = BeforeValidator(_listed)
Text = Annotated[str, Field(min_length=1)]
Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
# ISO 639-1 to 639-3, or one of two words.
Language = Annotated[str, Field(pattern=r"^([a-z]{2,3}|code|multilingual)$")]
Colour = Literal["red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"]


class _Read(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Card(_Read):
    """What all cards may say; a licence is ours to ask for."""

    license: Annotated[list[License], Listed, Field(min_length=1)]
    license_name: Word | None = None
    license_link: str | None = None
    tags: list[Text] = []
    datasets: list[HubId] = []

    @model_validator(mode="after")
    def _other(self, info: ValidationInfo) -> "_Card":
        link = self.license_link or ""
        if self.license != ["other"]:
            return self
        if self.license_name is None:
            raise ValueError("license_name is required where the license is other")
        if link not in LICENSE_FILES and not link.startswith(("https://", "http://")):
            raise ValueError(f"license_link must be {' or '.join(LICENSE_FILES)}, or an address")
        if link in LICENSE_FILES and link not in (info.context or ()):
            raise ValueError(f"license_link names {link}, which is missing")
        return self


class _Typed(_Read):
    type: Text


class _Dataset(_Typed):
    name: Text


class _Metric(_Typed):
    value: FiniteFloat


class _Result(_Read):
    task: _Typed
    dataset: _Dataset
    metrics: Annotated[list[_Metric], Field(min_length=1)]


class _Index(_Read):
    name: Text
    results: Annotated[list[_Result], Field(min_length=1)]


class _ModelFront(_Card):
    """The front matter of a model's card."""

    pipeline_tag: Word
    library_name: Word | None = None
    language: Annotated[list[Language], Listed] = []
    metrics: list[Text] = []
    base_model: Annotated[list[HubId], Listed] = []
    base_model_relation: Literal["adapter", "finetune", "merge", "quantized"] | None = None
    model_index: list[_Index] = Field(default=[], alias="model-index")

    @model_validator(mode="after")
    def _related(self) -> "_ModelFront":
        if self.base_model_relation and not self.base_model:
            raise ValueError("base_model_relation takes a base_model")
        return self


class _SpaceFront(_Card):
    """The front matter of a Space with a program in Python."""

    title: Text
    emoji: Annotated[str, AfterValidator(_emoji)]
    color_from: Colour = Field(alias="colorFrom")
    color_to: Colour = Field(alias="colorTo")
    sdk: Literal["gradio", "streamlit"]
    # In quotes: YAML reads 3.10 without them as the number 3.1.
    sdk_version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+(\.[0-9]+)?$")]
    python_version: Annotated[str, Field(pattern=r"^3\.[0-9]+(\.[0-9]+)?$")] = "3.10"
    app_file: Annotated[str, AfterValidator(_file)]
    pinned: StrictBool = False
    short_description: Annotated[str, Field(max_length=60)] = ""
    models: list[HubId] = []


def front_matter(text: str) -> dict[str, Any]:
    """The front matter of a card.

    Raises:
        ValueError: there is none, it is no YAML object, or a key stands twice.
    """
    match = REGEX_YAML_BLOCK.match(text)
    if match is None:
        raise ValueError("it must begin with front matter: YAML between two lines ---")
    try:
        node = yaml.compose(match[2], yaml.SafeLoader)
        data = yaml.safe_load(match[2])
    except yaml.YAMLError as error:
        raise ValueError(f"its front matter is no YAML ({clean(error, 120)})") from None
    if not isinstance(data, dict) or not isinstance(node, yaml.MappingNode):
        raise ValueError("its front matter must be an object")
    keys = [str(key.value) for key, _ in node.value]
    # PyYAML takes the last; the Hub refuses.
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f'"{clean(twice[0], 60)}" stands twice')
    return data


def card_problems(text: str, kind: Kind, files: Collection[str] = ()) -> list[str]:
    """What the Hub would refuse, or not understand, of a card of a model or a Space.

    Args:
        text: of README.md.
        kind: of the repository.
        files: paths in the repository.
    """
    of_space = kind == "space"
    try:
        data = front_matter(text)
        (_SpaceFront if of_space else _ModelFront).model_validate(data, context=files)
        # Others read cards with huggingface_hub.
        (SpaceCard if of_space else ModelCard)(text)
    except ValidationError as error:
        return [_problem(one) for one in error.errors(include_url=False)]
    except ValueError as error:
        return [clean(error)]
    return []


def _problem(error: Any) -> str:
    said = clean(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return said
    value = "" if error["type"] == "missing" else f", not {clean(repr(error['input']), 60)}"
    return f'"{".".join(map(str, error["loc"]))}": {said}{value}'
