"""How threads that share a product wait for one another. Light: to be called before torch loads."""

import os
import sys


def wait_passively() -> bool:
    """Threads of products sleep while they wait, unless the environment says otherwise.

    Beside another busy program, threads that spin take three times as much of the processor for the
    same step. OpenMP reads the environment once, when it is loaded: returns whether that is yet to
    come.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return "torch" not in sys.modules
