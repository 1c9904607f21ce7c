"""When the steps of labels are skipped: before the terms of their service are accepted."""

from typing import Literal

from hf_assets.defs.common.events import Skipped
from hf_assets.settings import settings

Service = Literal["stackexchange", "kaggle"]
_SERVICES: dict[Service, str] = {"stackexchange": "the Stack Exchange API", "kaggle": "Kaggle"}


def why_off(service: Service) -> str | None:
    """Why nothing may be requested of that service; None once its terms are accepted."""
    if getattr(settings(), switch := f"accept_{service}_terms"):
        return None
    return (
        f"the terms of {_SERVICES[service]} ask for a decision; nothing is requested before it. "
        f"To accept them, set HF_ASSETS_{switch.upper()}=true and start again; docs/labels.md "
        "(Sources) says what they are."
    )


def require_terms(service: Service) -> None:
    """Raise `Skipped` while the terms of that service are not accepted."""
    if reason := why_off(service):
        raise Skipped(reason)
