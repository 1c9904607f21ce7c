"""The environment, read once into one frozen object.

`HF_TOKEN`, `HF_ENDPOINT` and `HF_HOME` are not here: huggingface_hub reads them itself, so that
one login serves every program on the machine.
"""

import json
import os
import re
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from hf_assets.errors import InputError, clean
from hf_assets.label_settings import GrowthSettings, Resources
from hf_assets.object_store.address import AddressError
from hf_assets.object_store.path import LakePath, location

# An unusable value of these must not stop the Hub.
_OF_LABELS = frozenset(
    (
        *("accept_stackexchange_terms", "accept_kaggle_terms"),
        *("base_model_resources", "publish_taggers", "training_gpus"),
    )
) | frozenset(GrowthSettings.model_fields)
# As huggingface_hub.utils.validate_repo_id, which is slow to import.
_NAME = r"[A-Za-z0-9](?:[\w.-]{0,94}\w)?"
_REPOSITORY = re.compile(rf"(?!.*(?:--|\.\.|\.git$)){_NAME}/{_NAME}", re.ASCII)


def _repository(name: str) -> str:
    if not _REPOSITORY.fullmatch(name):
        raise ValueError("it must be the owner/name of a repository, as the Hub allows them")
    return name


RepositoryName = Annotated[str, AfterValidator(_repository)]


def _default_data() -> Path:
    """`data/` beside the package in a checkout, else under the current directory."""
    beside = Path(__file__).resolve().parent.parent
    # Another package may have put a folder of that name beside an installed one.
    checkout = (beside / "pyproject.toml").is_file() and (beside / "data").is_dir()
    return (beside if checkout else Path.cwd()) / "data"


class Settings(GrowthSettings):
    """Switches of the project; each is an environment variable `HF_ASSETS_<NAME>`."""

    # A compose file passes a variable that nobody set as an empty text.
    model_config = SettingsConfigDict(env_prefix="HF_ASSETS_", frozen=True, env_ignore_empty=True)

    data: LakePath = Field(
        default_factory=_default_data,
        description="Root of the lake, where every table lies: a folder, or s3://bucket/prefix.",
    )
    scratch: Path | None = Field(
        default=None,
        description="Folder of this machine for files on their way to and from a store; default: "
        "hf_assets in the user's cache.",
    )
    scratch_gb: float = Field(
        default=20.0,
        gt=0,
        description="What copies of folders of a store may take there, in 10^9 bytes.",
    )
    index_gb: float = Field(
        default=4.0,
        ge=0,
        description="What indexes of days, from which `insights` answers at once, may take there, "
        "in 10^9 bytes (0.8 a day of 2.5 M models); 0: it makes none.",
    )
    locks: Literal["files", "postgres"] = Field(
        default="files",
        description="Where runs hold locks: files of this machine, or the Postgres that PGHOST, "
        "PGDATABASE, PGUSER and PGPASSWORD name.",
    )
    connect_timeout: float = Field(
        default=10.0, gt=0, description="Seconds to wait for a connection to the Hub."
    )
    read_timeout: float = Field(
        default=60.0, gt=0, description="Seconds without a byte after which a page has timed out."
    )
    retry_wait: float = Field(
        default=1.0,
        ge=0,
        description="Seconds before the first retry of a page; each further wait is twice as long.",
    )
    hub_share: float = Field(
        default=0.99,
        gt=0,
        le=1,
        description="Share of the Hub's rate limit that one process uses; the rest is for others.",
    )
    hub_chains: int = Field(
        default=10,
        ge=1,
        description="Places from which one listing is read at once (1: page after page), and "
        "requests to the Hub at once, of all listings; each listing may have one under way.",
    )
    step_retry_wait: float = Field(
        default=60.0,
        ge=0,
        description="Seconds before the first retry of a failed step; further waits are longer.",
    )
    lock_wait: float = Field(
        default=7200.0,
        ge=0,
        description="Seconds to wait for another run that captures, or trains, the same.",
    )
    sample_spaces: bool = Field(
        default=False,
        description="Compare 20 Spaces of a capture with space_info (real Hub only, 20 requests).",
    )

    space_code_requests: int = Field(
        # Of 4 000 Spaces, the first night's trees and requirements.txt.
        default=10_000,
        ge=0,
        description="Requests a day for the files of Spaces, at most; 0: none.",
    )

    inference_router: str | None = Field(
        default=None,
        pattern=r"^(https?://[^/]+.*|none)$",
        description="The router of inference providers, or none; default: that of Hugging Face "
        "with its own Hub, none with another.",
    )

    archive: str = Field(
        default="cfahlgren1/hub-stats",
        description="Where past days come from: a dataset like hub-stats, a folder, or none.",
    )
    first_day: date = Field(
        # hub-stats, the archive of past days, begins here.
        default=date(2024, 7, 29),
        description="The first day that is a partition.",
    )
    days_per_run: int | None = Field(
        default=None,
        # A day alone has no neighbours that say whether it is partial.
        ge=2,
        description="Days of one run where a range of days is made: a longer range becomes several "
        "runs, side by side on a cluster. Default: one run for a range, however long.",
    )
    days_at_once: int = Field(
        default_factory=lambda: min(os.cpu_count() or 1, 2),
        ge=1,
        description="Days that a run over many days makes, and checks, at a time, each with the "
        "memory of one. "
        "Default: 2, or 1 on a machine with one core.",
    )
    repository: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]+/.+$",
        description="Address of this code's repository on GitHub or GitLab: the UI links to it.",
    )
    repository_revision: str = Field(
        default="main", min_length=1, description="The branch, tag or commit that the UI links to."
    )

    recover_days: int = Field(
        default=7, ge=1, description="Past days that `recover_past_days` asks for a night."
    )

    alarm: SecretStr | None = Field(
        default=None,
        description="Who hears of failures: a webhook (https://…), mailto:…, or a command.",
    )
    smtp: SecretStr | None = Field(
        default=None,
        description="The mail server of alarms: smtp://user:password@host:587, or smtps://….",
    )
    alarm_sender: str | None = Field(
        default=None,
        description="The sender of mailed alarms; else the login to the server, or the recipient.",
    )
    ui: str | None = Field(
        default=None, description="The address of Dagster's UI, for links in alarms: https://…."
    )
    newest_day_due: int = Field(
        # The schedule begins at 03:00, and a capture is ended after 4 hours.
        default=8,
        ge=4,
        le=23,
        description="The hour (UTC) from which today is to be captured and trusted.",
    )
    capture_retry_minutes: float = Field(
        default=30.0,
        ge=0,
        description="Minutes until a failed capture is asked for again; later waits are longer.",
    )

    publish_dataset: RepositoryName | None = Field(
        default=None,
        description="The dataset repository, owner/name, to which the night publishes the lake.",
    )
    publish_tables: str = Field(
        default="small",
        description="What is published, names between commas: small, figures, or tables.",
    )
    publish_private: bool = Field(
        default=True,
        description="A repository that does not exist yet is created as a private one.",
    )
    publish_license: str = Field(
        default="other",
        pattern=r"^[a-z0-9][a-z0-9.-]*$",
        description="The licence that you grant for what is yours, as the Hub names it.",
    )

    publish_taggers: Annotated[dict[str, RepositoryName], NoDecode] = Field(
        default={},
        description="Where taggers are published: JSON, by corpus the name, owner/name, of a "
        "model repository and a Space.",
    )

    corpora: Path | None = Field(
        default=None, description="A TOML file with corpora of your own; each gets its chain."
    )
    base_models: Path | None = Field(
        default=None,
        description="A folder with base models, one folder each, looked at before the Hub.",
    )
    own_base_models: Path | None = Field(
        default=None,
        description="A TOML file with base models of your own; each is a partition to train.",
    )
    training_gpus: float | None = Field(
        default=None,
        ge=0,
        description="GPUs that a training asks a cluster for, unless its corpus says how many.",
    )
    base_model_resources: Annotated[dict[str, Resources], NoDecode] = Field(
        default={},
        description="What trainings of a base model ask a cluster for, whatever their corpus says: "
        "JSON, by the base model's name an object with `gpus`, `cpus`, `memory_gb`.",
    )
    accept_stackexchange_terms: bool = Field(
        default=False,
        description="You accept the Stack Exchange API's terms; `new_questions` is off before.",
    )
    accept_kaggle_terms: bool = Field(
        default=False,
        description="You accept Kaggle's terms; `new_datasets`, and the download of Meta Kaggle, "
        "are off before.",
    )
    stackexchange_site: str = Field(
        default="datascience", description="The Stack Exchange site that questions are of."
    )
    stackexchange_endpoint: str = Field(
        default="https://api.stackexchange.com", description="Where the Stack Exchange API is."
    )
    stackexchange_key: SecretStr | None = Field(
        default=None, description="An app key: 10 000 requests a day instead of 300."
    )
    question_dump: Path | None = Field(
        default=None, description="Posts.xml of a data dump of that site, plain or in its .7z."
    )
    meta_kaggle: Path | None = Field(
        default=None, description="A folder with the tables of Meta Kaggle; else fetched."
    )
    kaggle_endpoint: str = Field(
        default="https://api.kaggle.com", description="Where the Kaggle API is."
    )

    @field_validator("data", mode="plain")
    @classmethod
    def _is_location(cls, value: Any) -> LakePath:
        try:
            return location(value) if isinstance(value, str | Path) else value
        except AddressError as error:
            raise ValueError(str(error)) from None

    @field_validator("base_model_resources", "publish_taggers", mode="before")
    @classmethod
    def _is_json(cls, value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError as error:
            raise ValueError(f"it is no JSON ({error})") from None

    @field_validator("first_day")
    @classmethod
    def _has_days(cls, day: date) -> date:
        if not date(2000, 1, 1) <= day <= datetime.now(UTC).date():
            raise ValueError("it must be from 2000-01-01 to today (UTC)")
        return day


class SettingsError(InputError):
    """A variable of the environment has a value that cannot be used; the message names it."""


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: a value cannot be used, and it does not concern labels alone.
    """
    return _read()[0]


def rejected() -> dict[str, str]:
    """Unusable values of settings of labels, for which the default holds: why, by variable."""
    return _read()[1]


def _read() -> tuple[Settings, dict[str, str]]:
    try:
        return Settings(), {}
    except ValidationError as error:
        wrong = {f"{one['loc'][0]}": one for one in error.errors(include_url=False)}
    why = {
        name: f"{_shown(name, one['input'])}cannot be used: {_reason(one)}"
        for name, one in wrong.items()
    }
    if fatal := [name for name in wrong if name not in _OF_LABELS]:
        said = ". ".join(
            f"{_variable(name)}{' ' if name == 'data' else '='}{why[name]}" for name in fatal
        )
        # Without the error itself: its text has every value.
        raise SettingsError(f"{said}. Correct or unset it: see docs/settings.md.") from None
    defaults = {name: Settings.model_fields[name].default for name in wrong}
    return Settings(**defaults), {_variable(name): why[name] for name in wrong}


def _shown(name: str, value: object) -> str:
    # Not an address: whoever writes a key into one has a form of their own.
    return "" if name == "data" else f"{clean(value, 80)!r} "


def _reason(error: Any) -> str:
    # Of a setting with values inside: which of them.
    inside = "".join(f"{clean(name, 80)}: " for name in error["loc"][1:])
    return inside + clean(error["msg"]).removeprefix("Value error, ")


def _variable(name: str) -> str:
    return f"HF_ASSETS_{name.upper()}"
