"""What is measured on draws is near what is known in closed form."""

import numpy as np
import pytest

from skaws.priors import Gaussian, Laplace, Logistic, Measured

# Standard errors over 2000 draws, at most: of a mean 0.02, of a variance 0.05 (kurtosis 6
# of Laplace), of squared stretches 0.063 (their variance is 8).  Margins are five of them.
MARGINS = {"mean": 0.12, "variance": 0.25, "information": 0.32}


@pytest.mark.parametrize("known", [Laplace(2), Logistic(2)], ids=repr)
def test_moments_and_information_are_those_in_closed_form(known):
    measured = Measured(known)
    mean, factor = measured.moments({})
    np.testing.assert_allclose(mean, 0.0, atol=MARGINS["mean"])
    np.testing.assert_allclose(factor.T @ factor, np.eye(2), atol=MARGINS["variance"])
    for own, exact in zip(measured.information({}), known.information({}), strict=True):
        np.testing.assert_allclose(own, exact, atol=MARGINS["information"])


def test_another_prior_is_told_apart():
    own, other = Measured(Laplace(1)).information({}), Gaussian(1).information({})
    assert np.all(np.abs(np.subtract(own, other)) > 2 * MARGINS["information"])


def test_draws_and_density_are_those_of_the_prior():
    rng, same = np.random.default_rng(0), np.random.default_rng(0)
    z = Measured(Laplace(2)).sample({}, 5, rng)
    np.testing.assert_array_equal(z, Laplace(2).sample({}, 5, same))
    own = Measured(Laplace(2)).log_density({}, z)
    np.testing.assert_array_equal(own, Laplace(2).log_density({}, z))
