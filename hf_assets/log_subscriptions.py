"""The UI's pages that show what a run prints, asked for while any is open."""

import logging
import threading
from typing import Any

from dagster._core.storage.cloud_storage_compute_log_manager import (
    PollingComputeLogSubscriptionManager,
)
from dagster._core.storage.compute_log_manager import CapturedLogSubscription, ComputeLogManager

from hf_assets.errors import clean

# Seconds between two questions.
EVERY = 5.0
# The thread that asks, as Dagster names it.
POLL = "polling-compute-log-subscription"
_LOG = logging.getLogger(__name__)


class LogSubscriptions(PollingComputeLogSubscriptionManager):
    """The pages that show a growing log; one thread asks for all of them while there are any.

    Dagster's own thread ends by an error when a page opens while it asks for another, or when one
    fails, and all pages stand still from then on; and it never ends once a page has shown a
    complete log.
    """

    def __init__(self, manager: ComputeLogManager[Any]) -> None:
        super().__init__(manager)
        # Pages open and close in threads of the webserver.
        self._alone = threading.Lock()

    def add_subscription(self, subscription: CapturedLogSubscription) -> None:
        """Show a log: at once where it is complete, else until the page is closed."""
        if self.is_complete(subscription):
            subscription.fetch()
            subscription.complete()
            return
        with self._alone:
            self._subscriptions[self._watch_key(subscription.log_key)].append(subscription)
            self._start_polling_thread()

    def remove_subscription(self, subscription: CapturedLogSubscription) -> None:
        """Show it no more; the thread ends with the last one."""
        # Dagster's own looks it up in a dictionary that keeps what it is asked for.
        with self._alone:
            if self._watch_key(subscription.log_key) in self._subscriptions:
                super().remove_subscription(subscription)

    def _poll(self, shutdown_event: threading.Event) -> None:
        while not shutdown_event.wait(EVERY):
            for subscription in [one for some in [*self._subscriptions.values()] for one in some]:
                if shutdown_event.is_set():
                    return
                self._show(subscription)

    def _show(self, subscription: CapturedLogSubscription) -> None:
        """Show what is new; a page that fails holds up no other, and is tried again."""
        try:
            subscription.fetch()
        except Exception as error:  # noqa: BLE001 - of a log, or of a page that has gone
            run_id = subscription.log_key[0]
            _LOG.warning("A page lacks the output of run %s: %s", run_id, clean(str(error)))
