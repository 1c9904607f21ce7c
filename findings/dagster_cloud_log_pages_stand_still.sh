#!/usr/bin/env bash
# Compute logs in a cloud store (the log managers of S3, GCS and Azure, or one of your own) are shown in the UI by one
# thread that asks for all open pages in turn. Where a page of another step is opened while the thread waits for the
# store's answer to an earlier one, the thread ends by an error, and is not begun again: every page that shows a
# growing log, those opened later too, stands still until the webserver is restarted. Runs are not touched, and a page
# of a complete log is shown whole.
#
# dagster 1.13.27, Python 3.11. Seen, with a store that takes half a second to answer:
#   a page opened alone is asked for again and again
#   a second page is opened during such an answer: RuntimeError "dictionary changed size during iteration"
#   three seconds later, at an interval of 0.1 s: no page has been asked for since, nor has a third, opened then
# What works is a manager whose subscriptions are copied before they are asked for (`on_subscribe`, `on_unsubscribe`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dagster==1.13.27 typer==0.25.1 protobuf==6.33.6 \
  grpcio-health-checking==1.81.1
cd "$folder"
"$folder/venv/bin/python" - 2>"$folder/log" <<'PYTHON'
import threading
import time
from collections import Counter

from dagster._core.storage import cloud_storage_compute_log_manager as cloud
from dagster._core.storage.compute_log_manager import CapturedLogData, CapturedLogSubscription

cloud.SUBSCRIPTION_POLLING_INTERVAL = 0.1
asked: Counter[str] = Counter()
ended: list[str] = []
threading.excepthook = lambda given: ended.append(f"{given.exc_type.__name__}: {given.exc_value}")
waiting = threading.Event()


class Logs:
    """The part of a cloud log manager that pages ask: logs that grow, in a store that takes its time."""

    def is_capture_complete(self, log_key):
        return False

    def get_log_data(self, log_key, cursor=None, max_bytes=None):
        asked[log_key[-1]] += 1
        waiting.set()
        time.sleep(0.5)
        return CapturedLogData(log_key=log_key, cursor=cursor)

    def unsubscribe(self, subscription):
        pages.remove_subscription(subscription)


logs = Logs()
pages = cloud.PollingComputeLogSubscriptionManager(logs)


def opened(step: str) -> None:
    page = CapturedLogSubscription(logs, ["a-run", "compute_logs", step], None)
    pages.add_subscription(page)
    page(lambda data: None)  # shows what is there already: asks once


opened("one")
time.sleep(2)
alone = asked["one"]
waiting.clear()
waiting.wait()  # the thread has just asked
opened("two")
time.sleep(1.5)
before = asked.total()
opened("three")
before += 1  # by the page itself
time.sleep(3)
print("one page, asked in 2 s:", alone > 1)
print("a second page:", *ended)
print("asked since by the thread:", asked.total() - before, dict(asked))
assert alone > 1
assert ended == ["RuntimeError: dictionary changed size during iteration"], "it has changed"
assert asked.total() == before, "it has changed"
PYTHON
