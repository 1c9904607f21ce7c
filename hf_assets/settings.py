"""The environment, read once into one frozen object.

`HF_TOKEN`, `HF_ENDPOINT` and `HF_HOME` are not here: huggingface_hub reads them itself, so that
one login serves every program on the machine.
"""

from datetime import date
from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_data() -> Path:
    """`data/` beside the package in a checkout, else under the current directory."""
    beside = Path(__file__).resolve().parent.parent
    # Another package may have put a folder of that name beside an installed one.
    checkout = (beside / "pyproject.toml").is_file() and (beside / "data").is_dir()
    return (beside if checkout else Path.cwd()) / "data"


class Settings(BaseSettings):
    """Switches of the project; each is an environment variable `HF_ASSETS_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="HF_ASSETS_", frozen=True)

    data: Path = Field(
        default_factory=_default_data, description="Root of the lake: where every table lies."
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

    archive: str = Field(
        default="cfahlgren1/hub-stats",
        description="Where past days come from: a dataset like hub-stats, a folder, or none.",
    )
    first_day: date = Field(
        # hub-stats, the archive of past days, begins here.
        default=date(2024, 7, 29),
        description="The first day that is a partition.",
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
    alarm_sender: str = Field(
        default="",
        description="The sender of mailed alarms; else the login to the server, or the recipient.",
    )
    ui: str = Field(
        default="", description="The address of Dagster's UI, for links in alarms: https://…."
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

    corpora: Path | None = Field(
        default=None, description="A TOML file with corpora of your own; each gets its chain."
    )
    base_models: Path | None = Field(
        default=None,
        description="A folder with base models, one folder each, looked at before the Hub.",
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


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
