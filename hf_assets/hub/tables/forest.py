"""Roots, depths and cycles of a graph in which each node points to one other, by pointer doubling.

A step replaces each node's pointer by that of the node it points to, so that chains of any length
take as many steps as their length has binary digits.
"""

import numpy as np
from numpy.typing import NDArray

Nodes = NDArray[np.int64]


def on_cycles(parent: Nodes) -> Nodes:
    """The nodes on a cycle of two or more, ascending.

    Args:
        parent: the node that each node points to; a root points to itself.
    """
    up, root = parent.copy(), parent == np.arange(len(parent))
    left = np.flatnonzero(~root[up])
    # As many steps as there are nodes at most: whoever has met no root by then never will.
    for _ in range(len(parent).bit_length()):
        if not len(left):
            break
        up[left] = up[up[left]]
        left = left[~root[up[left]]]
    # A cycle maps onto itself, and whatever leads to it has entered it.
    return np.unique(up[left])


def cut_cycles(parent: Nodes, cycling: Nodes, age: Nodes) -> Nodes:
    """The pointers with each cycle cut at its oldest node, which becomes a root.

    Args:
        parent: as for `on_cycles`.
        cycling: its result.
        age: for each of these nodes its rank by age, from 0: the oldest.
    """
    position = np.empty(len(parent), np.int64)
    position[cycling] = np.arange(len(cycling))
    up, oldest = position[parent[cycling]], age.copy()
    for _ in range(len(cycling).bit_length()):
        oldest, up = np.minimum(oldest, oldest[up]), up[up]
    cut = parent.copy()
    tops = cycling[oldest == age]
    cut[tops] = tops
    return cut


def roots(parent: Nodes) -> tuple[Nodes, Nodes]:
    """The root of each node, and its steps to there.

    Args:
        parent: the node that each node points to, without cycles; a root points to itself.
    """
    up, depth = parent, (parent != np.arange(len(parent))).astype(np.int64)
    while not np.array_equal(further := up[up], up):
        depth, up = depth + depth[up], further
    return up, depth
