"""The router's list of models: asked once a day, kept as it came.

It cannot be asked for a past day, and no archive keeps it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from hf_assets.hub.client.connection import HubConnection
from hf_assets.hub.providers.schemas import RAW_INFERENCE_PROVIDERS
from hf_assets.storage.lake import TableWrite, iso
from hf_assets.transport import Answer

LIVE_HUB, LIVE_ROUTER = "https://huggingface.co", "https://router.huggingface.co"
OFF = "none"
# Three hundred offers have 150 kB.
MAX_BYTES = 32 << 20


def router_of(setting: str | None, hub: str) -> str | None:
    """The router's address; None where there is none to ask.

    Args:
        setting: HF_ASSETS_INFERENCE_ROUTER: an address, "none", or None for the default.
        hub: the Hub's address: a mirror has no router, and what it lists is not what is served.
    """
    if setting is None:
        return LIVE_ROUTER if hub.rstrip("/") == LIVE_HUB else None
    return None if setting.lower() == OFF else setting.rstrip("/")


@dataclass
class RouterClient:
    """Asks one router.

    Args:
        connection: to it; waits and retries by its rule.
        clock: the time, UTC.
    """

    connection: HubConnection
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def address(self) -> str:
        """Of the list of models."""
        return f"{self.connection.endpoint}/v1/models"

    def fetch(self, day: str) -> TableWrite:
        """The answer as a row of `RAW_INFERENCE_PROVIDERS`.

        JSON of any shape is kept: what it means is the next table's matter.

        Raises:
            HubError: retries did not help.
        """
        body = self.connection.get(self.address, _text, broken="no JSON")
        row = (iso(day), self.address, self.clock(), body)
        frame = pl.DataFrame([row], RAW_INFERENCE_PROVIDERS.schema, orient="row")
        return TableWrite(frames=[frame], notes={"bytes": len(body.encode())})


def _text(answer: Answer) -> str:
    """The body. ValueError where it is no JSON, such as a proxy's page: it is asked for again."""
    answer.json()
    return answer.body.decode()
