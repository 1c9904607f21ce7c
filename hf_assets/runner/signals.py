"""SIGTERM and SIGHUP end what a command started, as Control-C does."""

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

# What a shell adds to the number of the signal that ended a command.
_BY_SIGNAL = 128


class Ended(KeyboardInterrupt):
    """A signal that came to this process alone, and not to what it started."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


def status_of(interrupt: BaseException) -> int:
    """The exit status of a command that was interrupted, as a shell reports it: 128 and the signal.

    Args:
        interrupt: what was caught, or was raised from that: click has an exception of its own.
    """
    cause = interrupt if isinstance(interrupt, Ended) else interrupt.__cause__
    return _BY_SIGNAL + (cause.number if isinstance(cause, Ended) else signal.SIGINT)


@contextmanager
def ended_by_signals() -> Generator[None]:
    """The first SIGTERM or SIGHUP raises `Ended` in the block, so that it stops what it started.

    Another one changes nothing: a terminal that closes sends two, and the second would end the
    stopping, as Control-C does.

    One that is ignored, as under nohup, or that somebody else handles stays as it is; so do both
    where the block is not in the main thread, which alone gets them.

    Raises:
        Ended: one of them came.
    """
    came: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        came.append(number)
        if len(came) == 1:
            raise Ended(signal.Signals(number))

    mine = threading.current_thread() is threading.main_thread()
    known = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")] if mine else []
    free = [each for each in known if each and signal.getsignal(each) is signal.SIG_DFL]
    for each in free:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in free:
            signal.signal(each, signal.SIG_DFL)
