"""Scores that a computer draws, for tests of measures and thresholds."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

SHAPES = array_shapes(min_dims=2, max_dims=2, max_side=6)
# Few distinct values make ties; the others come as close as float32 allows.
SCORES = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.5000001, 1.0]), st.floats(-4, 4, width=32))


@st.composite
def scored(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(SHAPES)
    targets = draw(arrays(np.uint8, shape, elements=st.integers(0, 1)))
    return targets, draw(arrays(np.float32, shape, elements=SCORES))


def made(rows: int = 200, labels: int = 7, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = (rng.random((rows, labels)) < 0.3).astype(np.uint8)
    return targets, (rng.normal(size=targets.shape) + targets).astype(np.float32)
