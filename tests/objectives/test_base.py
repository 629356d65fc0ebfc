"""The protocol of objectives: pairs, values of the log joint there, and their weights."""

import numpy as np
import pytest
from sklearn.base import clone

from skaws import objectives
from skaws.decoders import Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import Poisson
from skaws.models import AdditiveParts, LatentVariableModel, LinearMixing
from skaws.objectives import Objective, RealRows
from skaws.objectives.base import log_joint_at
from skaws.posteriors import Classifier, Enumeration, Exact, LinearGaussian
from skaws.posteriors import Gamma as GammaPosterior
from skaws.priors import Categorical, Gamma, Laplace
from skaws.regression import FactorRegression, KernelRegression, RunningInformation
from skaws.wake_sleep import sleep

from ..common import altered, gaussian_model

ALL = {
    name: getattr(objectives, name)()
    for name in objectives.__all__
    if isinstance(getattr(objectives, name), type)
    and issubclass(getattr(objectives, name), Objective)
    and getattr(objectives, name) is not Objective
}
OF_LABELS = {"EnumeratedLikelihood": Enumeration(), "LabelResidual": Classifier()}


def problem(name):
    """A model, its params and simulations, and real rows, for an objective of that name."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 1)) + rng.standard_normal((40, 3))
    model, posterior = gaussian_model(1), Exact()
    if name in OF_LABELS:
        model = LatentVariableModel(Categorical(2), Linear(), GaussianNoise())
        posterior = OF_LABELS[name]
    if name == "FactorisedLogJoint":
        model, posterior = LinearMixing(Laplace(2)), LinearGaussian()
    if name == "WeightedDraws":
        parts = Gamma(2), Linear(nonnegative=True), Poisson()
        model, posterior = AdditiveParts(LatentVariableModel(*parts)), GammaPosterior()
        X = rng.poisson(3.0, (40, 3)) * 1.0
    params = model.init_params(X, rng)
    return model, params, sleep(model, params, posterior, 60, rng), X


def regression_of(name):
    own = {"FactorisedLogJoint": FactorRegression, "WeightedDraws": RunningInformation}
    return own.get(name, KernelRegression)()


def test_all_objectives_are_tested():
    assert len(ALL) == 8


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_kept_and_constructors_only_store(name):
    objective = ALL[name]
    model, params, simulations, X = problem(name)
    before = dict(vars(objective))
    real, rng = RealRows(X, np.full(40, 1 / 40)), np.random.default_rng(0)
    regression = regression_of(name)
    pairs = objective.pairs(model, params, simulations, real, regression, rng)
    values = objective.values(model, params, pairs)
    objective.weigh(values, pairs, model, regression)
    assert vars(objective) == before == objective.get_params()
    assert repr(clone(objective)) == repr(objective)


@pytest.mark.parametrize("name", ALL)
def test_every_value_has_a_weight_and_every_simulation_a_mean_weight(name):
    objective = ALL[name]
    model, params, simulations, X = problem(name)
    real, rng = RealRows(X, np.full(40, 1 / 40)), np.random.default_rng(0)
    regression = regression_of(name)
    pairs = objective.pairs(model, params, simulations, real, regression, rng)
    values = objective.values(model, params, pairs)
    found = objective.weigh(values, pairs, model, regression)
    assert found.values.shape == values.shape and np.isfinite(found.values).all()
    assert found.simulations.shape == (60,)
    assert np.isfinite([found.error, found.distance]).all()


@pytest.mark.parametrize("name", ALL)
def test_log_joint_is_only_taken_inside_the_support(name):
    objective = ALL[name]
    model, params, simulations, X = problem(name)
    real, rng = RealRows(X, np.full(40, 1 / 40)), np.random.default_rng(0)
    pairs = objective.pairs(model, params, simulations, real, regression_of(name), rng)
    assert simulations.space.contains(pairs.latents)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda values: values[:, None], r"returned shape \(10, 1\), expected \(10,\)"),
        (lambda values: list(values), "returned a list, expected"),
        (np.sum, r"returned shape \(\), expected"),
        (lambda values: values[:-1], r"returned shape \(9,\), expected \(10,\)"),
        (lambda values: values, None),
    ],
    ids=["column", "list", "sum", "too few", "right"],
)
def test_log_joint_that_is_not_one_value_a_pair_is_told(returned, message):
    right = gaussian_model(1)
    rng = np.random.default_rng(0)
    params = right.init_params(rng.standard_normal((40, 3)), rng)
    pairs = right.sample(params, 10, rng)
    model = altered(right, log_joint=lambda *args: returned(right.log_joint(*args)))
    if message is None:
        assert log_joint_at(model, params, *pairs).shape == (10,)
        return
    with pytest.raises(ValueError, match=f"log_joint of LatentVariableModel {message}"):
        log_joint_at(model, params, *pairs)
