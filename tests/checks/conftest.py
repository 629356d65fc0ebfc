"""Rows for models to be checked on."""

import numpy as np
import pytest


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return rng.standard_normal((100, 1)) + rng.standard_normal((100, 4))
