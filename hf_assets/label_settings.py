"""Settings of labels: when a corpus is old, and what trainings ask a cluster for."""

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings


class Resources(BaseModel):
    """What trainings ask a cluster for; nothing where it is None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gpus: float | None = Field(
        default=None, ge=0, description="GPUs that a training asks a cluster for."
    )
    cpus: float | None = Field(
        default=None, gt=0, description="CPUs that each step of a classifier asks a cluster for."
    )
    memory_gb: float | None = Field(
        default=None, gt=0, description="Memory that each step of a classifier asks a cluster for."
    )


class GrowthSettings(BaseSettings):
    """From when on a corpus, or a model, is old, or its texts have drifted."""

    stale_rows: float = Field(
        default=0.2,
        gt=0,
        description="A corpus or model is old, and its check warns, from this share of unseen rows "
        "on, of those that it has seen.",
    )
    stale_labels: int = Field(
        default=10, ge=0, description="The same, where more labels than these are unseen."
    )
    stale_days: int = Field(
        default=365,
        ge=1,
        description="The same, where rows are unseen and it was built more days ago.",
    )
    drift: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="Texts have drifted, and the check warns, where a share (of labels, of unseen "
        "words, of texts without a label) differs by more than this from the usual one, sample "
        "noise aside.",
    )
    retrain: bool = Field(
        default=False,
        description="A corpus that is old and whose texts have drifted is built again by itself, "
        "and what was trained on it is trained again; with the sensor refresh_after_changes on.",
    )
