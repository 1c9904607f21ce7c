"""A day's answer of the router: the stored one, or one of now; never now's under another day."""

from hf_assets.hub.client.connection import HubError
from hf_assets.hub.providers.router import RouterClient
from hf_assets.hub.providers.schemas import RAW_INFERENCE_PROVIDERS
from hf_assets.hub.providers.table import is_list
from hf_assets.object_store.errors import CommitConflict
from hf_assets.storage.lake import Lake, MissingDay, StoredTable, today

SWITCHED_OFF = (
    "no router of inference providers is asked: HF_ASSETS_INFERENCE_ROUTER is none, or unset with "
    "a Hub that is not huggingface.co"
)


class NoAnswer(LookupError):
    """There is no answer of that day; the message is the reason."""


def get_or_fetch(
    lake: Lake, client: RouterClient | None, day: str, *, refetch: bool = False
) -> StoredTable:
    """The stored answer of a day; today's is fetched where there is none.

    Today's is fetched again, too, where the stored one is no list of models. Where another run
    stores an answer meanwhile, that is the day's.

    Args:
        lake: where the answers lie.
        client: None where nothing may be asked.
        day: the partition key.
        refetch: ask again today, and replace the stored answer.

    Raises:
        NoAnswer: nothing is stored, and the router cannot be asked for that day.
        HubError: the router gave no answer, and there is none stored.
    """
    stored = _stored(lake, day)
    if stored and (day != today() or not client or not (refetch or not is_list(stored))):
        return stored
    if day != today():
        raise NoAnswer(f"the router shows the present only, and it was not asked on {day}")
    if client is None:
        raise NoAnswer(SWITCHED_OFF)
    try:
        return lake.write(RAW_INFERENCE_PROVIDERS, day, client.fetch(day))
    except CommitConflict:
        return lake.read(RAW_INFERENCE_PROVIDERS.name, day)
    except HubError:
        if stored and not refetch:
            return stored
        raise


def _stored(lake: Lake, day: str) -> StoredTable | None:
    try:
        return lake.read(RAW_INFERENCE_PROVIDERS.name, day)
    except MissingDay:
        return None
