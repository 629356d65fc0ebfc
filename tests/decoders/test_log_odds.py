"""Laws of the decoder of log odds."""

import numpy as np
from scipy.special import expit, logit

from skaws.decoders import LogOdds
from skaws.params import ParameterSpace

from ..common import with_holes


def test_location_is_linear_in_log_odds():
    rng = np.random.default_rng(0)
    params = {"components": rng.random((2, 3)), "intercept": rng.standard_normal(3)}
    z = rng.random((4, 2))
    expected = logit(z) @ params["components"] + params["intercept"]
    np.testing.assert_allclose(LogOdds().location(params, z), expected)


def test_starts_at_the_shares_of_ones_with_different_components():
    rng = np.random.default_rng(0)
    X = with_holes((rng.random((500, 3)) < [0.1, 0.5, 1.0]).astype(float), 0.3, rng)
    params = LogOdds().init_params(X, 2, rng)
    shares = expit(params["intercept"])
    np.testing.assert_allclose(shares, np.nanmean(X, axis=0), atol=0.002)
    assert ParameterSpace(params, LogOdds().constraints).size == 9  # finite, positive
    assert not np.allclose(*params["components"])


def test_locations_are_real():
    assert LogOdds().location_support("unit") == "real"
