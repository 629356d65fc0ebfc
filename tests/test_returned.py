"""What a model returns is looked at before anything is made of it."""

import numpy as np
import pytest

from skaws.models import FunctionModel
from skaws.returned import check_returned

from .common import altered, gaussian_model, gaussian_params

PARAMS = gaussian_params(2, 4, np.random.default_rng(0))
RIGHT = gaussian_model(2, per_feature=True)


def sample_paths(params, n_samples, rng):
    path = rng.standard_normal((n_samples, 3, 2))
    return {"path": path, "level": path[:, 0]}, path[:, :, 0]


def log_joint_of_paths(params, z, x):
    return np.sum(z["level"], axis=1) + np.sum(x, axis=1)


def test_what_is_in_order_raises_nothing():
    check_returned(RIGHT, PARAMS, 4)
    paths = FunctionModel(sample_paths, log_joint_of_paths, None)
    check_returned(paths, {"level": 0.0}, 3)


def test_rows_of_other_width_than_real_ones_are_told():
    with pytest.raises(ValueError, match="observations of 4 columns, but X has 5"):
        check_returned(RIGHT, PARAMS, 5)


def test_params_that_are_no_dict_are_told():
    with pytest.raises(TypeError, match="params must be a dict of arrays"):
        check_returned(RIGHT, None, 4)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda values: values[:, None], r"shape \(50, 1\), expected \(50,\)"),
        (lambda values: list(values), "returned a list, expected"),
        (np.sum, r"shape \(\), expected"),
        (lambda values: float(np.sum(values)), "returned a float, expected"),
    ],
    ids=["column", "list", "sum", "float"],
)
def test_log_joint_that_is_not_one_value_a_pair_is_told(returned, message):
    model = altered(RIGHT, log_joint=lambda *pair: returned(RIGHT.log_joint(*pair)))
    with pytest.raises(ValueError, match=message):
        check_returned(model, PARAMS, 4)
