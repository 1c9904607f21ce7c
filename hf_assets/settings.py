"""The environment, read once into one frozen object.

`HF_TOKEN`, `HF_ENDPOINT` and `HF_HOME` are not here: huggingface_hub reads them itself, so that
one login serves every program on the machine.
"""

from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_data() -> Path:
    """`data/` beside the package in a checkout, else under the current directory."""
    beside = Path(__file__).resolve().parent.parent / "data"
    return beside if beside.is_dir() else Path.cwd() / "data"


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
        default=1.0, ge=0, description="Seconds before the first retry of a page; then doubled."
    )
    lock_wait: float = Field(
        default=7200.0,
        ge=0,
        description="Seconds a run waits for another run that captures the same day.",
    )
    sample_spaces: bool = Field(
        default=False,
        description="Compare 20 Spaces of a capture with space_info (real Hub only, 20 requests).",
    )


@cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
