"""The method is read off the model, and any part of it can be replaced."""

from copy import deepcopy

import autograd.numpy as anp
import numpy as np
import pytest

from skaws import AmortisedLearner
from skaws.decoders import MLP, Curve, Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import Poisson, StudentT
from skaws.methods import METHODS, Method, choose_method, single
from skaws.models import FunctionModel, GivenColumns, LatentVariableModel
from skaws.objectives import (
    EnumeratedLikelihood,
    ExpectedLogJoint,
    ImportanceSampling,
    ResidualRegression,
    ReweightedWakeSleep,
)
from skaws.posteriors import (
    Enumeration,
    Exact,
    LinearGaussian,
    Linearised,
    MixtureNetwork,
    NoPosterior,
    Resampled,
    Ridge,
    Robust,
    Windowed,
)
from skaws.priors import (
    Bernoulli,
    Beta,
    Categorical,
    Gamma,
    Gaussian,
    GaussianMixture,
    Laplace,
    Sphere,
    UniformCircle,
)
from skaws.regression import AdaptiveKernelRegression, KernelRegression, MeanRegression
from skaws.simulations import latent_space
from skaws.spaces import leaves
from skaws.supports import Integer, OneHot, Positive, Real

from .common import altered, gaussian_model

NETWORK = Resampled(MixtureNetwork())
BY_HEART = MixtureNetwork(1, new_simulations=False)
FROM_DRAWS = ResidualRegression(baseline="draw", inputs="observations", gated=True)

# Parts of a model, the name of the method, and its posterior.
CHOSEN = [
    (Categorical(4), MLP((5,)), GaussianNoise(), "enumeration", Enumeration()),
    (Bernoulli(5), Linear(), GaussianNoise(), "enumeration", Enumeration()),
    (Bernoulli(12), Linear(), GaussianNoise(), "enumeration", Enumeration()),
    (Bernoulli(8), Linear(), StudentT(), "enumeration", Enumeration()),
    (Bernoulli(13), Linear(), GaussianNoise(), "residual", NETWORK),
    (Bernoulli(9), Linear(), StudentT(), "residual", NETWORK),
    (Bernoulli(13), MLP((5,)), GaussianNoise(), "reweighted", NETWORK),
    (Gaussian(2), Linear(), GaussianNoise(), "residual", Exact()),
    (Gaussian(2), Linear(), StudentT(), "residual", Robust()),
    (Laplace(2), Linear(), GaussianNoise(), "residual", NETWORK),
    (Beta(2), Linear(), GaussianNoise(), "residual", NETWORK),
    (Gamma(2), Linear(nonnegative=True), Poisson(), "residual", NETWORK),
    (UniformCircle(), MLP((5,)), StudentT(), "importance", BY_HEART),
    (Sphere(3), Linear(), GaussianNoise(), "importance", BY_HEART),
    (Sphere(3), MLP((5,)), GaussianNoise(), "importance", BY_HEART),
    (GaussianMixture(2, 3), MLP((5,)), GaussianNoise(), "reweighted", NETWORK),
    (Beta(2), MLP((5,)), GaussianNoise(), "reweighted", NETWORK),
    (Gaussian(4), MLP((5,)), GaussianNoise(), "reweighted", NETWORK),
]


def test_functions_are_drawn_by_linear_estimates():
    rng = np.random.default_rng(0)
    X, inputs = rng.standard_normal((50, 4)), rng.uniform(size=(50, 4))
    grid = LatentVariableModel(Gaussian(2), Curve(np.arange(4.0), (5,)), GaussianNoise())
    method = choose_method(grid, grid.init_params(X, rng))
    assert repr(method.posterior) == repr(Resampled(LinearGaussian(), 30))
    own = LatentVariableModel(Gaussian(2), Curve(None, (5,)), GaussianNoise())
    own, rows = GivenColumns(own, 4), np.hstack([X, inputs])
    params = own.init_params(rows, rng)
    method = choose_method(own, params, space=latent_space(own, params, rows))
    assert repr(method.posterior) == repr(Resampled(Linearised(), 10))
    assert method.learning_rate == 0.003


def composed(*parts):
    rng = np.random.default_rng(0)
    model = LatentVariableModel(*parts)
    return model, model.init_params(rng.gamma(2.0, size=(50, 4)), rng)


@pytest.mark.parametrize(("prior", "decoder", "likelihood", "name", "posterior"), CHOSEN)
def test_method_of_parts(prior, decoder, likelihood, name, posterior):
    method = choose_method(*composed(prior, decoder, likelihood))
    assert method.name == name
    assert repr(method.posterior) == repr(posterior)


def functions(sample, latent_support=None):
    return FunctionModel(sample, None, None, latent_support=latent_support)


def noisy(latents):
    """A sampler of latents that `latents(n, rng)` draws."""

    def sample(params, n_samples, rng):
        z = latents(n_samples, rng)
        return z, rng.standard_normal((n_samples, 3))

    return sample


def some_of(n_values):
    return noisy(lambda n, rng: rng.integers(n_values, size=(n, 1)).astype(float))


def zero_for_some(n, rng):
    return rng.exponential(size=(n, 1)) * (rng.random((n, 1)) < 0.6)


UNREGRESSED = ResidualRegression(baseline=None, inputs="observations")
OF_FUNCTIONS = {
    "few values": (some_of(64), None, EnumeratedLikelihood(), Enumeration()),
    "more values": (some_of(65), None, UNREGRESSED, NoPosterior()),
    "declared": (some_of(65), Integer(0, 64), EnumeratedLikelihood(), Enumeration()),
    "declared, most": (
        some_of(99), Integer(0, 255), EnumeratedLikelihood(), Enumeration(),
    ),
    "declared, more": (some_of(99), Integer(0, 256), FROM_DRAWS, NETWORK),
    "real": (
        noisy(lambda n, rng: rng.standard_normal((n, 2))), None, FROM_DRAWS, NETWORK,
    ),
    "positive": (
        noisy(lambda n, rng: rng.exponential(size=(n, 2))), None, FROM_DRAWS, NETWORK,
    ),
    "dictionary": (
        noisy(lambda n, rng: {"z": rng.standard_normal((n, 2))}), None, FROM_DRAWS, NETWORK,
    ),
    "zero for some": (noisy(zero_for_some), None, UNREGRESSED, NoPosterior()),
    "path": (
        noisy(lambda n, rng: rng.standard_normal((n, 3, 1)).cumsum(axis=1)),
        None,
        ResidualRegression(gated=True),
        Windowed(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_method_of_functions(name):
    sample, support, objective, posterior = OF_FUNCTIONS[name]
    method = choose_method(functions(sample, support), {})
    assert repr(method.objective) == repr(objective)
    assert repr(method.posterior) == repr(posterior)


def test_choice_is_pure_and_always_the_same():
    model, params = composed(Gamma(2), Linear(nonnegative=True), Poisson())
    before, own = deepcopy(params), repr(model)
    state = np.random.get_state()[1].copy()
    first, second = (choose_method(model, params) for _ in range(2))
    assert repr(first) == repr(second) and repr(model) == own
    for (path, value), (same, now) in zip(leaves(before), leaves(params), strict=True):
        assert path == same
        np.testing.assert_array_equal(value, now)
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    # Nothing is shared that a fit could learn on.
    assert first.posterior is not second.posterior
    assert first.regression is not second.regression


@pytest.mark.parametrize("name", ["importance", "reweighted", "residual"])
def test_method_by_name_is_the_one_that_is_taken(name):
    model, params = composed(Gaussian(2), Linear(), GaussianNoise())
    assert choose_method(model, params, name).name == name


@pytest.mark.parametrize("name", METHODS)
def test_shares_of_objectives_sum_to_one(name):
    model, params = composed(Categorical(3), Linear(), GaussianNoise())
    method = choose_method(model, params, name)
    assert method.name == name
    assert sum(share for share, _ in method.objectives) == pytest.approx(1.0)
    assert method.objective is method.objectives[-1][1]


def test_methods_climb_what_their_names_say():
    model, params = composed(Categorical(3), Linear(), GaussianNoise())
    expected = {
        "enumeration": [EnumeratedLikelihood],
        "importance": [ExpectedLogJoint, ImportanceSampling],
        "reweighted": [ReweightedWakeSleep],
        "residual": [ResidualRegression],
    }
    for name, kinds in expected.items():
        method = choose_method(model, params, name)
        assert [type(own) for _, own in method.objectives] == kinds
    assert set(expected) == set(METHODS)


def test_latents_without_coordinates_are_regressed_by_a_kernel_that_learns():
    method = choose_method(functions(noisy(zero_for_some)), {})
    assert isinstance(method.regression, AdaptiveKernelRegression)
    linear = choose_method(*composed(Gaussian(2), Linear(), GaussianNoise()))
    assert type(linear.regression) is KernelRegression


def test_space_of_the_latents_decides_where_it_is_given():
    model = functions(some_of(3))
    other = latent_space(functions(noisy(zero_for_some)), {})
    assert choose_method(model, {}, space=other).name == "residual"
    assert choose_method(model, {}).name == "enumeration"


REAL = noisy(lambda n, rng: rng.standard_normal((n, 1)))


@pytest.mark.parametrize(
    ("model", "name", "need", "best"),
    [
        (functions(REAL), "importance", "a log_likelihood", "residual"),
        (functions(REAL), "enumeration", "latents that take few values", "residual"),
        (gaussian_model(1), "enumeration", "latents that take few values", "residual"),
        (
            functions(some_of(65)),
            "reweighted",
            "latents with real coord.*values",
            "residual",
        ),
        (functions(noisy(zero_for_some)), "reweighted", "latents with real", "residual"),
        (
            altered(functions(noisy(zero_for_some)), log_likelihood=None),
            "importance",
            "latents with real coordinates",
            "residual",
        ),
    ],
)
def test_method_that_a_model_is_not_made_for_is_refused(model, name, need, best):
    rng, params = np.random.default_rng(0), {}
    if isinstance(model, LatentVariableModel):
        params = model.init_params(rng.standard_normal((50, 4)), rng)
    message = (
        f"method='{name}' needs .*{need}.* does not have that. method=None takes '{best}'"
    )
    with pytest.raises(ValueError, match=message):
        choose_method(model, params, name)


# A method handed to an estimator.


def waiting_model(support=None):
    def sample(params, n_samples, rng):
        z = rng.exponential(1 / params["rate"], (n_samples, 1))
        return z, z + 0.3 * rng.standard_normal((n_samples, 1))

    def log_joint(params, z, x):
        log_prior = anp.log(params["rate"]) - params["rate"] * z[:, 0]
        return (
            log_prior - 0.5 * ((x - z)[:, 0] / 0.3) ** 2 - np.log(0.3 * np.sqrt(2 * np.pi))
        )

    return FunctionModel(
        sample,
        log_joint,
        lambda X, rng: {"rate": 1.0},
        {"rate": Positive()},
        latent_support=support,
    )


def handed(**changes):
    """A method of plain parts, none of which would be chosen."""
    method = Method(
        "my own",
        single(ResidualRegression(inputs="observations")),
        Ridge(),
        MeanRegression(),
        n_simulations=150,
        max_iter=60,
        learning_rate=0.05,
        n_iter_no_change=None,
    )
    return method._replace(**changes)


def test_a_method_handed_in_is_the_one_that_is_followed():
    model = waiting_model(Positive())
    X = model.sample({"rate": 0.5}, 200, np.random.default_rng(0))[1]
    learner = AmortisedLearner(model, method=handed(), random_state=0).fit(X)
    assert learner.method_ == "my own" and learner.n_iter_ == 60
    assert abs(learner.params_["rate"] * X.mean() - 1) < 0.15
    method = learner._state.method
    assert isinstance(method.posterior, Ridge)
    assert isinstance(method.regression, MeanRegression)
    # Other arguments of the constructor come on top of it.
    learner.set_params(max_iter=7, n_simulations=20).fit(X)
    assert learner.n_iter_ == 7 and learner._state.method.n_simulations == 20


@pytest.mark.filterwarnings("ignore:AmortisedLearner. real rows")
def test_objectives_follow_one_another_by_their_shares():
    seen = []

    class Recorded(ResidualRegression):
        def pairs(self, *arguments):
            seen.append(self.inputs)
            return super().pairs(*arguments)

    shares = ((0.25, Recorded(inputs="posterior")), (0.75, Recorded(inputs="observations")))
    model = waiting_model(Positive())
    X = model.sample({"rate": 0.5}, 50, np.random.default_rng(0))[1]
    method = handed(objectives=shares, max_iter=12)
    AmortisedLearner(model, method=method, random_state=0).fit(X)
    assert seen == ["posterior"] * 3 + ["observations"] * 9


@pytest.mark.filterwarnings("ignore:AmortisedLearner. real rows")
def test_a_method_handed_in_remains_as_it_was():
    method, model = handed(max_iter=3), waiting_model(Positive())
    X = model.sample({"rate": 0.5}, 50, np.random.default_rng(0))[1]
    names = "posterior", "regression"
    before = {name: vars(getattr(method, name)).copy() for name in names}
    AmortisedLearner(model, method=method, random_state=0).fit(X)
    for name, attributes in before.items():
        assert vars(getattr(method, name)) == attributes


def test_what_is_no_method_is_refused():
    X = np.random.default_rng(0).standard_normal((20, 1))
    with pytest.raises(ValueError, match="method"):
        AmortisedLearner(waiting_model(), method="bayes").fit(X)


def test_supports_name_what_latents_are():
    # What used to be flags of a model is said by the space of its latents.
    spaces = {
        name: latent_space(functions(sample), {})
        for name, sample in (
            ("labels", noisy(lambda n, rng: np.eye(3)[rng.integers(3, size=n)])),
            ("real", REAL),
            ("hybrid", noisy(hybrid)),
        )
    }
    assert spaces["labels"].latent_support == OneHot() and spaces["labels"].is_finite
    assert spaces["real"].latent_support == Real() and not spaces["real"].alphabets
    assert spaces["hybrid"].alphabets and not spaces["hybrid"].is_finite
    assert spaces["hybrid"].size == 2


def hybrid(n, rng):
    return np.hstack([np.eye(3)[rng.integers(3, size=n)], rng.standard_normal((n, 2))])
