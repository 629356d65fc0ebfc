"""What was fitted is saved, loaded and learnt on; strict arithmetic; restarts that fail."""

import os
import time

import autograd.numpy as anp
import joblib
import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skaws import AmortisedFactorAnalysis, AmortisedICA, AmortisedLearner, AmortisedNMF
from skaws.decoders import MLP, Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.likelihoods import Poisson
from skaws.methods import choose_method
from skaws.models import FunctionModel, LatentVariableModel
from skaws.priors import Categorical, Gamma, Gaussian, Laplace, UniformCircle
from skaws.spaces import leaves
from skaws.supports import Positive

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # fits here are short
]

rng = np.random.default_rng(0)
X = rng.standard_normal((200, 2)) @ rng.standard_normal((2, 5))
X += 0.5 * rng.standard_normal(X.shape)
COUNTS = rng.poisson(rng.gamma(1.0, 2.0, (200, 2)) @ rng.gamma(1.0, 1.0, (2, 5))) * 1.0
SHORT = {"max_iter": 12, "random_state": 0}


def sample(params, n_samples, rng):
    z = rng.exponential(1 / params["rate"], (n_samples, 1))
    return z, z + params["sd"] * rng.standard_normal((n_samples, 5))


def log_joint(params, z, x):
    log_prior = anp.log(params["rate"]) - params["rate"] * z[:, 0]
    error = (x - z) / params["sd"]
    return log_prior - 0.5 * anp.sum(error**2, axis=1) - 5 * anp.log(params["sd"])


def start(X, rng):
    return {"rate": 1.0, "sd": 1.0}


def learner(prior, decoder=None, likelihood=None, **options):
    parts = prior, decoder or Linear(), likelihood or GaussianNoise()
    return AmortisedLearner(LatentVariableModel(*parts), **{**SHORT, **options})


FUNCTIONS = FunctionModel(sample, log_joint, start, {"rate": Positive(), "sd": Positive()})
NETWORK = LatentVariableModel(Gaussian(2), MLP((4,)), GaussianNoise())
PLAIN = choose_method(NETWORK, NETWORK.init_params(X, np.random.default_rng(0)))
FITTED = {
    "factors": (AmortisedFactorAnalysis(2, rotation="varimax", **SHORT), X),
    "sources": (AmortisedICA(2, **SHORT), X),
    "square": (AmortisedICA(**SHORT), X),
    "listed": (AmortisedICA(2, sources=["laplace", "uniform"], **SHORT), X),
    "parts": (AmortisedNMF(2, **SHORT), COUNTS),
    "wide parts": (AmortisedNMF(2, likelihood="negative_binomial", **SHORT), COUNTS),
    "switches": (AmortisedNMF(2, likelihood="bernoulli", **SHORT), (COUNTS > 2) * 1.0),
    "labels": (learner(Categorical(2)), X),
    "circle": (learner(UniformCircle()), X),
    "laplace": (learner(Laplace(2)), X),
    "counts": (learner(Gamma(2), Linear(nonnegative=True), Poisson()), COUNTS),
    "network": (AmortisedLearner(NETWORK, **SHORT), X),
    "by hand": (AmortisedLearner(NETWORK, method=PLAIN, **SHORT), X),
    "functions": (AmortisedLearner(FUNCTIONS, **SHORT), np.abs(X)),
}
each = pytest.mark.parametrize("name", FITTED)


def fitted(name):
    estimator, rows = FITTED[name]
    return clone(estimator).fit(rows), rows


def goes_on_alike(one, other, rows):
    """Both learn on, from the same random numbers."""
    for name, model in (("one", one), ("other", other)):
        model.partial_fit(rows)
        assert np.isfinite(model.score(rows)), name
    # Loaded arrays lie otherwise in memory, and sums round otherwise.  The first step of a
    # new Adam is a whole one, .03 at most, if the gradient is but its rounding errors, and
    # so it is where of two candidates that are alike another one is chosen: params differ
    # by two such steps at most, up or down.
    pairs = zip(leaves(one.params_), leaves(other.params_), strict=True)
    for (path, own), (_, others) in pairs:
        np.testing.assert_allclose(own, others, rtol=0.06, atol=0.06, err_msg=str(path))


# Cases 41, 76: skops, and files that are mapped into memory.


@each
def test_skops_round_trip(name):
    model, rows = fitted(name)
    data = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=data)
    own = [kind for kind in types if not kind.startswith(("skaws.", "tests."))]
    assert own == []  # what to trust is in the package, or the user's own functions
    loaded = skops.io.loads(data, trusted=types)
    np.testing.assert_array_equal(loaded.transform(rows), model.transform(rows))
    np.testing.assert_array_equal(loaded.score_samples(rows), model.score_samples(rows))
    goes_on_alike(loaded, model, rows)


@each
def test_models_of_read_only_files_answer_and_learn_on(name, tmp_path):
    model, rows = fitted(name)
    path = tmp_path / "model.joblib"
    joblib.dump(model, path)
    mapped = joblib.load(path, mmap_mode="r")
    np.testing.assert_array_equal(mapped.transform(rows), model.transform(rows))
    goes_on_alike(mapped, model, rows)
    mapped = joblib.load(path, mmap_mode="r")
    mapped.set_params(warm_start=True).fit(rows)
    frozen = rows.copy()
    frozen.flags.writeable = False
    model.fit(frozen)


# Strict arithmetic.


@each
def test_strict_arithmetic_of_the_caller_does_not_break_a_fit(name):
    estimator, rows = FITTED[name]
    expected = fitted(name)[0].transform(rows)
    with np.errstate(all="raise"):
        model = clone(estimator).fit(rows)
        found = model.transform(rows)
        assert np.isfinite(model.score(rows))
        model.partial_fit(rows)
    np.testing.assert_array_equal(found, expected)


# Restarts that fail, and interrupts.


def raising():
    raise OSError("the simulator's licence has run out")


def dying():
    time.sleep(5.0)  # so that another has ended
    os._exit(1)


def with_starts(*bad, n_jobs=None, then=raising):
    """Restarts from bad starts (1.0), where the sampler fails, and from good ones."""

    def faulty(params, n_samples, rng):
        if params["bad"] > 0.5 and n_samples == 77:  # once a fit has begun
            then()
        return sample(params, n_samples, rng)

    def init_params(X, rng):
        # The first look at the model is not by a restart, whose number its generator knows.
        spawned = rng.bit_generator.seed_seq.spawn_key
        return {**start(X, rng), "bad": bad[spawned[-1] % len(bad)] if spawned else 0.0}

    supports = {"rate": Positive(), "sd": Positive()}
    model = FunctionModel(faulty, log_joint, init_params, supports)
    settings = {"n_simulations": 77, "n_init": len(bad), "n_jobs": n_jobs}
    return AmortisedLearner(model, **settings, **SHORT)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_restarts_that_raise_lose_nothing_of_the_others(n_jobs):
    rows = np.abs(X)
    words = r"1 of n_init=3 restarts failed \(OSError: the simulator's licence"
    with pytest.warns(UserWarning, match=words):
        model = with_starts(0.0, 1.0, 0.0, n_jobs=n_jobs).fit(rows)
    assert np.isfinite(model.score(rows))
    for bad in ([1.0, 1.0], [1.0]):
        with pytest.raises(OSError, match="licence"):
            with_starts(*bad, n_jobs=n_jobs).fit(rows)


def test_a_killed_worker_loses_nothing_of_the_others():
    estimator = with_starts(0.0, 1.0, n_jobs=2, then=dying)
    with pytest.warns(UserWarning, match=r"restarts failed \(TerminatedWorkerError"):
        estimator.fit(np.abs(X))
    assert np.isfinite(estimator.score(np.abs(X)))


def test_an_interrupt_between_restarts_keeps_what_has_ended(monkeypatch):
    def interrupted(n_jobs):
        def run(calls):
            for i, (function, task, names) in enumerate(calls):
                if i == 2:
                    raise KeyboardInterrupt
                yield function(*task, **names)

        return run

    monkeypatch.setattr("skaws.estimators.base.results_in_turn", interrupted)
    model = AmortisedFactorAnalysis(2, n_init=4, n_jobs=2, **SHORT)
    with pytest.warns(ConvergenceWarning, match="interrupted after 2 of n_init=4 restarts"):
        model.fit(X)
    assert np.isfinite(model.score(X))
