"""What a model returns is looked at before anything is made of it."""

import math

import autograd.numpy as anp
import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from skaws import AmortisedLearner
from skaws.checks import ModelCheckError, check_model
from skaws.models import FunctionModel, GivenColumns
from skaws.validation import check_returned

from .common import altered, gaussian_model, gaussian_params

PARAMS = gaussian_params(2, 4, np.random.default_rng(0))
RIGHT = gaussian_model(2, per_feature=True)
ROWS = np.zeros((20, 4))


def sample_paths(params, n_samples, rng):
    path = rng.standard_normal((n_samples, 3, 2))
    return {"path": path, "level": path[:, 0]}, path[:, :, 0]


def log_joint_of_paths(params, z, x):
    return np.sum(z["level"], axis=1) + params["level"] * np.sum(x, axis=1)


def sample_beside(params, n_samples, rng, given):
    z = rng.standard_normal((n_samples, 1))
    return z, z + given + rng.standard_normal((n_samples, 1))


def log_joint_beside(params, z, x, given):
    return -anp.sum(z**2 + (x - z - given - params["level"]) ** 2, axis=1)


def test_what_is_in_order_raises_nothing():
    check_returned(RIGHT, PARAMS, ROWS)
    paths = FunctionModel(sample_paths, log_joint_of_paths, None)
    check_returned(paths, {"level": 0.0}, ROWS[:, :3])
    beside = GivenColumns(FunctionModel(sample_beside, log_joint_beside, None), 1)
    check_returned(beside, {"level": 0.0}, ROWS[:, :2])


def test_rows_of_other_width_than_real_ones_are_told():
    with pytest.raises(ValueError, match="observations of 4 columns, but X has 5"):
        check_returned(RIGHT, PARAMS, np.zeros((20, 5)))


def test_params_that_are_no_dict_are_told():
    with pytest.raises(TypeError, match="params must be a dict of arrays"):
        check_returned(RIGHT, None, ROWS)


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
        check_returned(model, PARAMS, ROWS)


@pytest.mark.parametrize("bad", [np.nan, -np.inf, np.inf])
def test_log_joint_that_is_not_finite_at_what_the_sampler_drew_is_told(bad):
    def log_joint(params, z, x):
        values = RIGHT.log_joint(params, z, x)
        return anp.where(z[:, 0] > 0, values, bad)

    message = r"log_joint of LatentVariableModel is not finite for \d+ of 50 pairs"
    with pytest.raises(ValueError, match=message):
        check_returned(altered(RIGHT, log_joint=log_joint), PARAMS, ROWS)


# Samplers: of z ~ N(0, 1) and x ~ N(z, 1) in two columns.


def right(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 1))
    return z, z + rng.standard_normal((n_samples, 2))


def log_joint(params, z, x):
    log_prior = -0.5 * anp.sum((z - params["mean"]) ** 2, axis=1)
    return log_prior - 0.5 * anp.sum((x - z) ** 2, axis=1)


def ignoring_rng(params, n_samples, rng):
    return right(params, n_samples, np.random.default_rng(7))


def by_global_state(params, n_samples, rng):
    z = np.random.standard_normal((n_samples, 1))
    return z, z + rng.standard_normal((n_samples, 2))


def latents_by_global_state(params, n_samples, rng):
    _, x = right(params, n_samples, rng)
    return np.random.standard_normal((n_samples, 1)), x


def in_lists(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return z.tolist(), x.tolist()


def observations_in_a_list(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return z, x.tolist()


def in_a_frame(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return z, pd.DataFrame(x)


def latents_in_a_frame(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return pd.DataFrame(z), x


def too_few(params, n_samples, rng):
    return right(params, n_samples - 1, rng)


def too_few_latents(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return z[:-1], x


def flat_latents(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return z[:, 0], x


def flat_observations(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return z, x[:, 0]


def swapped(params, n_samples, rng):
    return right(params, n_samples, rng)[::-1]


def observations_alone(params, n_samples, rng):
    return right(params, n_samples, rng)[1]


def three_things(params, n_samples, rng):
    return *right(params, n_samples, rng), rng


def words(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return np.where(z > 0, "up", "down"), x


def complex_numbers(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return z, x + 0j


def in_a_dictionary(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return {"inner": {"z": z[:, 0]}}, x


def latents_not_a_number(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return np.where(z > 1, np.nan, z), x


def not_a_number(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return z, np.where(x > 1, np.nan, x)


def infinite(params, n_samples, rng):
    z, x = right(params, n_samples, rng)
    return z, np.where(x > 1, np.inf, x)


WRONG = {
    ignoring_rng: (ValueError, "the same pairs for another rng"),
    by_global_state: (ValueError, "other pairs for the same rng"),
    latents_by_global_state: (ValueError, "other pairs for the same rng"),
    in_lists: (TypeError, r"latents as list, expected an array of shape \(50, n_latents\)"),
    observations_in_a_list: (TypeError, r"observations as list, expected .* \(50, 2\)"),
    in_a_frame: (TypeError, "observations as DataFrame, expected an array"),
    latents_in_a_frame: (TypeError, "latents as DataFrame, expected an array"),
    too_few: (ValueError, r"latents of shape \(49, 1\), expected .*one row a sample"),
    too_few_latents: (ValueError, r"latents of shape \(49, 1\), expected"),
    flat_latents: (ValueError, r"latents of shape \(50,\).* write array\[:, np.newaxis\]"),
    flat_observations: (ValueError, r"observations of shape \(50,\).*np.newaxis"),
    swapped: (ValueError, "observations of 1 columns, but X has 2. .* latents first"),
    observations_alone: (TypeError, r"ndarray of shape \(50, 2\), expected a pair"),
    three_things: (TypeError, "tuple, expected a pair"),
    words: (TypeError, "latents of dtype <U4, expected .* of real numbers"),
    complex_numbers: (TypeError, "observations of dtype complex128"),
    in_a_dictionary: (ValueError, r"latents\['inner.z'\] of shape \(50,\)"),
    latents_not_a_number: (FloatingPointError, "latents that are not finite"),
    not_a_number: (FloatingPointError, "observations that are not finite"),
    infinite: (FloatingPointError, "observations that are not finite"),
}


def learner(sample, log_joint=log_joint, init_params=lambda X, rng: {"mean": 0.0}):
    model = FunctionModel(sample, log_joint, init_params)
    return AmortisedLearner(model, max_iter=2, random_state=0)


def rows():
    return right({}, 60, np.random.default_rng(0))[1]


@pytest.mark.parametrize("sample", WRONG, ids=lambda sample: sample.__name__)
def test_sampler_that_returns_something_else_is_told_by_name(sample):
    error, message = WRONG[sample]
    with (
        pytest.raises(error, match=f"(?s)sample of FunctionModel returned.*{message}"),
        np.errstate(all="ignore"),
    ):
        learner(sample).fit(rows())


def integers(params, n_samples, rng):
    z = rng.integers(1, 4, size=(n_samples, 1))
    return z, z + rng.standard_normal((n_samples, 2))


def booleans(params, n_samples, rng):
    z = rng.random((n_samples, 1)) < 0.5
    return z, z + rng.standard_normal((n_samples, 2))


def counts(params, n_samples, rng):
    z = rng.standard_normal((n_samples, 1))
    return z, rng.poisson(np.exp(z), size=(n_samples, 2))


def of_floats(params, z, x):
    assert z.dtype == x.dtype == float
    return log_joint(params, z, x)


@pytest.mark.filterwarnings("ignore:AmortisedLearner")
@pytest.mark.parametrize("sample", [right, integers, booleans, counts])
def test_right_sampler_is_fitted_and_its_whole_numbers_come_as_floats(sample):
    assert np.isfinite(learner(sample, of_floats).fit(rows()).params_["mean"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda params, z, x: None, r"log_joint of FunctionModel returned a NoneType"),
        (lambda params, z, x: np.nan * z[:, 0], "log_joint of FunctionModel is not finite"),
    ],
    ids=["nothing", "not a number"],
)
def test_wrong_log_joint_is_told_by_an_estimator_before_it_fits(wrong, message):
    with pytest.raises(ValueError, match=message):
        learner(right, wrong).fit(rows())


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (None, TypeError, "params must be a dict of arrays.*got None"),
        ({"mean": "zero"}, TypeError, "Parameter mean must be a number"),
        ({"mean": np.nan}, ValueError, "Parameter mean must be real; got"),
    ],
)
def test_wrong_params_are_told_by_an_estimator_before_it_fits(returned, error, message):
    with pytest.raises(error, match=message):
        learner(right, init_params=lambda X, rng: returned).fit(rows())


# Off the tape: autograd cannot follow, or finds no parameter.


def by_scipy(params, z, x):
    return norm.logpdf(x, z, params["sd"]).sum(axis=1)


def by_math(params, z, x):
    return -anp.sum((x - z) ** 2, axis=1) - math.log(params["sd"])


def by_float(params, z, x):
    sd = float(getattr(params["sd"], "_value", params["sd"]))
    return -anp.sum(((x - z) / sd) ** 2, axis=1)


def without_params(params, z, x):
    return -anp.sum((x - z) ** 2, axis=1)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (by_scipy, "autograd cannot follow log_joint of FunctionModel"),
        (by_math, "autograd cannot follow log_joint of FunctionModel"),
        (by_float, r"does not depend on any parameter \(sd\)"),
        (without_params, r"does not depend on any parameter \(sd\)"),
    ],
)
def test_log_joint_off_the_tape_is_told(written, message):
    model = FunctionModel(right, written, lambda X, rng: {"sd": 1.0})
    X = right({}, 30, np.random.default_rng(0))[1]
    with pytest.raises((TypeError, ValueError), match=message):
        AmortisedLearner(model, max_iter=2).fit(X)
    with pytest.raises(ModelCheckError, match=message):
        check_model(model, X)
