"""How the steps of labels run: after those of the Hub, and skipped where they have no source."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Literal

import dagster as dg

from hf_assets.settings import settings

# The Hub shows only now: in one run, its steps and all that derive from them come first.
AFTER_THE_HUB = {"dagster/priority": "-1"}

Service = Literal["stackexchange", "kaggle"]
_SERVICES: dict[Service, str] = {"stackexchange": "the Stack Exchange API", "kaggle": "Kaggle"}


class Skipped(Exception):
    """A step has nothing to do yet; the message is the reason, and what to set."""


def skippable(body: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    """The body of an asset that may raise `Skipped`; for `@dg.asset(output_required=False)`.

    A skipped step succeeds and materialises nothing. The reason is in the run log, and on the asset
    as an observation. Dagster skips the downstream steps of the same run.
    """

    @wraps(body)
    def run(context: dg.AssetExecutionContext, *args: Any, **inputs: Any) -> Iterator[Any]:
        try:
            result = body(context, *args, **inputs)
        except Skipped as skipped:
            _report(context, f"Skipped: {skipped}")
            return
        yield result if isinstance(result, dg.MaterializeResult) else dg.Output(result)

    return run


def _report(context: dg.AssetExecutionContext, reason: str) -> None:
    context.log.warning(
        f"{reason} Downstream assets of the same run are skipped as well: materialise them by "
        "themselves where they have another source."
    )
    # A range of days gets one observation, of the asset.
    days = context.partition_keys if context.has_partition_key else [None]
    context.log_event(
        dg.AssetObservation(
            context.asset_key,
            description=reason,
            partition=days[0] if len(days) == 1 else None,
        )
    )


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
