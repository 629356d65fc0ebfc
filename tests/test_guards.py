"""What goes wrong is named, with what to do about it."""

import numpy as np
import pytest

from skaws.bijectors import Positive, UnitInterval
from skaws.guards import check_gradient, check_params, check_sample
from skaws.params import ParameterSpace

PARAMS = {"prior": {"probability": np.array([0.5, 0.2])}, "sd": 1.0}
SPACE = ParameterSpace(PARAMS, {"prior": {"probability": UnitInterval()}, "sd": Positive()})


def test_what_is_in_order_raises_nothing():
    check_sample("model", np.zeros((5, 2)), 5)
    check_gradient("model", np.zeros(3), SPACE)
    check_params("model", PARAMS, SPACE)


@pytest.mark.parametrize("observations", [np.zeros(5), np.zeros((4, 2))])
def test_observations_of_wrong_shape_are_told(observations):
    with pytest.raises(ValueError, match=r"sample of str .* expected \(5, n_features\)"):
        check_sample("model", observations, 5)


def test_observations_that_are_not_finite_are_told():
    with pytest.raises(FloatingPointError, match="sample of str .* not finite"):
        check_sample("model", np.array([[1.0], [np.inf]]), 2)


def test_gradient_that_is_not_finite_names_its_parameter():
    with pytest.raises(FloatingPointError, match=r"probability\[1\] \(2 of 3"):
        check_gradient("model", np.array([0.0, np.nan, np.inf]), SPACE)


@pytest.mark.parametrize("edge", [0.0, 1.0, np.nan])
def test_params_at_the_edge_are_named(edge):
    params = {"prior": {"probability": np.array([0.5, edge])}, "sd": 1.0}
    with pytest.raises(FloatingPointError, match=r"prior.probability of str .* edge"):
        check_params("model", params, SPACE)
