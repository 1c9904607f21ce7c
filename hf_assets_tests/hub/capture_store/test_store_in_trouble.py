"""A store that fails, and what is gone of a capture: clear words, nothing half."""

import pytest

from hf_assets.hub.capture_store.store import CaptureStore
from hf_assets.object_store.errors import StoreError
from hf_assets_tests.conftest import DAY, ServedHub
from hf_assets_tests.hub.capture_store.conftest import PAGES, attempts
from hf_assets_tests.support.hub.captures import ids_of
from hf_assets_tests.support.hub.small_hub import MODELS, listed
from hf_assets_tests.support.object_store.counting import CountingProxy, Fault
from hf_assets_tests.support.object_store.weed import KEY

pytestmark = pytest.mark.usefixtures("small_pages")


def test_an_answer_that_is_lost_is_read_back(
    served: ServedHub, store: CaptureStore, store_proxy: CountingProxy
) -> None:
    store_proxy.faults += [Fault("lost", ("PUT",), key=name, times=1)
                           for name in ("000002", r"capture\.json", "journal")]  # fmt: skip
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    assert [fault.hits for fault in store_proxy.faults] == [1, 1, 1]
    assert ids_of(capture) == listed()
    assert len(served.listed) == PAGES


@pytest.mark.parametrize("refused", ["000002", r"capture\.json"])
def test_a_key_that_may_write_no_more_ends_the_run_with_the_pages_kept(
    served: ServedHub, store: CaptureStore, store_proxy: CountingProxy, refused: str
) -> None:
    store_proxy.faults.append(Fault("AccessDenied", ("PUT",), key=refused))
    with pytest.raises(StoreError, match="AccessDenied: let this key read and write") as told:
        served.capturer().get_or_capture(store, DAY, MODELS)
    assert told.value.permanent
    assert KEY not in repr(told.value)
    assert store.complete(DAY) is None
    store_proxy.clear()
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    assert ids_of(capture) == listed()
    assert len(served.listed) == PAGES + (refused == "000002")


def test_a_store_that_cannot_be_read_is_no_damage(
    served: ServedHub, store: CaptureStore, store_proxy: CountingProxy
) -> None:
    store_proxy.faults.append(Fault("AccessDenied", ("PUT",), key="000003"))
    with pytest.raises(StoreError):
        served.capturer().get_or_capture(store, DAY, MODELS)
    store_proxy.clear()
    store_proxy.faults.append(Fault("AccessDenied", ("GET",), key="000001"))
    with pytest.raises(StoreError, match="AccessDenied"):
        served.capturer().get_or_capture(store, DAY, MODELS)
    store_proxy.clear()
    assert ids_of(served.capturer().get_or_capture(store, DAY, MODELS)) == listed()
    assert len(served.listed) == PAGES + 1
    assert len(attempts(store)) == 1


@pytest.mark.heavy
def test_a_storm_of_slow_down_costs_time_alone(
    served: ServedHub, store: CaptureStore, store_proxy: CountingProxy
) -> None:
    store_proxy.faults.append(Fault("SlowDown", share=0.25))
    capture = served.capturer().get_or_capture(store, DAY, MODELS)
    assert ids_of(capture) == listed()
    assert store_proxy.faults[0].hits
    assert len(served.listed) == PAGES
