"""An interrupt that is raised where nobody hears it is raised again."""

import gc
import os
import signal
import time
import weakref

import pytest

from hf_assets.defs.common.failures import insistent_interrupts


class _Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_inside_a_callback_of_the_collector_is_raised_again() -> None:
    def interrupted(_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(1000))  # the handler runs between two of Python's instructions

    gone = [_Cycle()]
    watched = weakref.ref(gone[0], interrupted)
    reached: list[bool] = []

    def block() -> None:
        with insistent_interrupts(again=0.05):
            gone.clear()
            gc.collect()
            reached.append(True)
            time.sleep(30)

    with pytest.raises(KeyboardInterrupt):
        block()
    assert reached, "the first one was lost"
    assert watched() is None


def test_a_block_that_ends_leaves_the_handlers_as_they_were() -> None:
    before = [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    with insistent_interrupts():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    after = [signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    assert after == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
