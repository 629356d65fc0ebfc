"""Laws of the decoder of log odds."""

import numpy as np
import pytest
from scipy.special import expit, logit

from skaws.decoders import LogOdds
from skaws.spaces import Space
from skaws.supports import Binary, Interval, OneHot, Positive, Real, Simplex

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
    assert Space(params, LogOdds().constraints).size == 9  # finite, positive
    assert not np.allclose(*params["components"])


@pytest.mark.parametrize("latents", [Interval(0.0, 1.0), Interval(0.2, 0.9), Simplex()])
def test_locations_are_real(latents):
    assert LogOdds().location_support(latents) == Real()


@pytest.mark.parametrize(
    ("latents", "description"),
    [
        (Real(), "real"),
        (Positive(), "above 0"),
        (Interval(-1.0, 1.0), "strictly between -1 and 1"),
        # Log odds of zero and one are infinite.
        (Binary(), "0 or 1"),
        (OneHot(), "rows with a single one"),
    ],
)
def test_latents_without_log_odds_are_refused_in_words(latents, description):
    message = f"LogOdds.. needs latents between 0 and 1; .* that are {description}. Choose"
    with pytest.raises(ValueError, match=message):
        LogOdds().location_support(latents)
