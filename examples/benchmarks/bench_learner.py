"""AmortisedLearner beside maximum likelihood, EM, factor analysis and an autoencoder.

Run with ``make bench-learner``.  All fits are by default settings; every peer and every
exact answer is found in the same run.  Seconds are the processor's, and by the clock in
brackets.  The gradient itself is measured by ``python examples/plot_gradient.py``.
"""

import argparse
import runpy
import sys
import warnings
from copy import copy
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from bend_models import BENDS
from learner_peers import (
    FACTORS,
    WAITING,
    Clock,
    answers,
    classes,
    digits,
    em_of_classes,
    gumbel_autoencoder,
    log_likelihood_of_factors,
    log_likelihood_of_times,
    maximum_likelihood_of_times,
    mixture,
    nats_of_codes,
    points,
    rows_of_factors,
    variational_autoencoder,
)
from scipy.stats import norm
from sklearn.datasets import load_digits
from sklearn.decomposition import FactorAnalysis
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split

from skaws import AmortisedLearner
from skaws.checks import ModelCheckError, check_model
from skaws.decoders import MLP, Linear
from skaws.evaluation import log_marginal_likelihood
from skaws.likelihoods import Bernoulli as BinaryPixels
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.methods import Method, single
from skaws.models import LatentVariableModel
from skaws.objectives import ResidualRegression
from skaws.posteriors import Ridge
from skaws.priors import Bernoulli, Categorical, Gaussian
from skaws.regression import AdaptiveKernelRegression, KernelRegression

N_STARTS = 10  # of EM
N_CODE_DRAWS = 1000
MANY_DRAWS = 5000  # to see that the default of 200 is enough


def fitted(model, X, seed, **options):
    """AmortisedLearner after its fit; its seconds, the processor's and the clock's."""
    cpu, wall = process_time(), perf_counter()
    learner = AmortisedLearner(model, random_state=seed, **options).fit(X)
    return learner, (process_time() - cpu, perf_counter() - wall)


def show(case, seed, seconds, *figures):
    """Print a row of the table."""
    start = f"{case:>26} {seed:2}"
    if seconds is not None:
        start += " {:5.1f} s ({:4.1f})".format(*seconds)
    print("  ".join([start, *figures]), flush=True)


# %%
# Models with an exact likelihood
# -------------------------------


def waiting(case, seed, rate, sd, n_rows):
    """Errors of the rate (bar: 5%) and the error's sd (15%); maximum likelihood's in
    brackets, and how far below it ours is; bar 10 s."""
    rng = np.random.default_rng(seed)
    X = WAITING.sample({"rate": rate, "sd": sd}, n_rows, rng)[1]
    learner, seconds = fitted(WAITING, X, seed)
    ours = np.array([learner.params_["rate"], learner.params_["sd"]])
    best = maximum_likelihood_of_times(X)
    errors = zip(*(100 * (found / [rate, sd] - 1) for found in (ours, best)), strict=True)
    gap = log_likelihood_of_times(*best, X) - log_likelihood_of_times(*ours, X)
    show(
        case,
        seed,
        seconds,
        *map("{} {:+5.1f}% ({:+5.1f}%)".format, ("rate", "sd"), *zip(*errors, strict=True)),
        f"{gap:.5f} nats a row below",
    )


def curved(case, seed):
    """Functions that no linear estimate inverts: nats a row below maximum likelihood, at
    the start, by default, and by reweighted wake-sleep."""
    truth = BENDS[case]
    X = truth.rows(2000, seed)
    best, below = truth.maximum_likelihood(X), []
    learner, seconds = fitted(truth.model, X, seed)
    start = truth.model.init_params(X, np.random.default_rng(0))
    other, _ = fitted(truth.model, X, seed, method="reweighted")
    found = {"start": start, "fit": learner.params_, "reweighted": other.params_}
    for name, params in found.items():
        below.append(f"{name} {best - np.mean(truth.log_marginal(params, X)):7.4f}")
    show(case, seed, seconds, *below)


def gaussians(case, seed, n_components, distance):
    """Share of EM's gain in log-likelihood over one Gaussian (bar: 0.95), as functions."""
    X = points(n_components, distance, seed)
    learner, seconds = fitted(mixture(n_components), X, seed)
    reference = em_of_gaussians(X, n_components, seed, "diag")
    show(case, seed, seconds, *shares(learner.score(X), *reference))


def clusters(case, seed, n_components, distance):
    """The same of parts: a label, a linear decoder, noise alike in all ten columns."""
    X = points(n_components, distance, seed, n_columns=10, sds=(1.0, 1.0))
    model = LatentVariableModel(Categorical(n_components), Linear(), GaussianNoise())
    learner, seconds = fitted(model, X, seed)
    reference = em_of_gaussians(X, n_components, seed, "spherical")
    show(case, seed, seconds, *shares(learner.score(X), *reference))


def em_of_gaussians(X, n_components, seed, shape):
    """Log-likelihood, nats a row: of one Gaussian, of EM from one start and from many."""

    def score(n_components, **starts):
        model = GaussianMixture(
            n_components, covariance_type=shape, tol=1e-7, max_iter=2000, **starts
        )
        return model.fit(X).score(X)

    once = score(n_components, init_params="random_from_data", random_state=seed)
    return score(1), once, score(n_components, n_init=N_STARTS, random_state=0)


def yes_or_no(case, seed, n_classes, concentration):
    """The same of latent classes over one class, as functions."""
    X = answers(n_classes, concentration, seed)
    learner, seconds = fitted(classes(n_classes), X, seed)
    rng = np.random.default_rng(seed)
    single = em_of_classes(X, 1, rng, n_steps=1)
    starts = [em_of_classes(X, n_classes, rng) for _ in range(N_STARTS)]
    reference = single, starts[0], max(starts)
    show(case, seed, seconds, *shares(learner.score(X), *reference))


def shares(ours, single, once, best):
    """Shares of the gain of the best of many EMs."""
    return (
        f"share {(ours - single) / (best - single):6.3f}",
        f"EM from one start {(once - single) / (best - single):6.3f}",
        f"gain {best - single:.3f} nats a row",
    )


def dictionary(case, seed, table):
    """Share of EM's gain over independent columns, of factors in a dictionary: by default;
    without a baseline, by the kernel that learns and by the fixed one."""
    X = rows_of_factors(table, seed)
    best = FactorAnalysis(2, tol=1e-8, max_iter=10_000).fit(X).score(X)
    alone = np.sum(norm.logpdf(X, X.mean(axis=0), X.std(axis=0))) / len(X)
    methods = {
        "default": None,
        "learns": without_baseline(AdaptiveKernelRegression()),
        "fixed": without_baseline(KernelRegression()),
    }
    figures = []
    for name, method in methods.items():
        learner, seconds = fitted(FACTORS, X, seed, method=method)
        found = log_likelihood_of_factors(learner.params_, X)
        share = (found - alone) / (best - alone)
        figures.append(f"{name} {share:6.3f} in {seconds[0]:4.1f} s")
    show(case, seed, None, *figures)


def without_baseline(regression):
    """The method of latents without coordinates: the log joint itself is regressed."""
    return Method(
        "residual",
        single(ResidualRegression(baseline=None, inputs="observations")),
        Ridge(),
        regression,
        n_simulations=300,
        max_iter=1500,
        learning_rate=0.03,
        n_iter_no_change=300,
    )


# %%
# Networks
# --------


def network(n_latents, n_hidden=64):
    return LatentVariableModel(Gaussian(n_latents), MLP((n_hidden,)), GaussianNoise())


def pictures(case, seed, n_latents):
    """Held-out nats a row on digits (bar, with 8 latents: 29 within 30 s), by importance
    sampling about modes, in brackets with 5000 draws instead of 200; factor analysis; an
    autoencoder with the same decoder and seconds."""
    train, test = digits(seed)
    model = network(n_latents)
    learner, seconds = fitted(model, train, seed)
    many = np.mean(log_marginal_likelihood(model, learner.params_, test, MANY_DRAWS))
    factors = FactorAnalysis(n_latents, tol=1e-6, max_iter=5000).fit(train).score(test)
    rng = np.random.default_rng(seed)
    params, n_steps = variational_autoencoder(model, train, Clock(seconds[0]), rng)
    theirs = np.mean(log_marginal_likelihood(model, params, test))
    show(
        case,
        seed,
        seconds,
        f"{learner.score(test):6.2f} nats ({many:.2f})",
        f"factor analysis {factors:6.2f}",
        f"autoencoder {theirs:6.2f} ({n_steps} steps)",
    )


def codes(case, seed, n_latents):
    """Held-out nats a row on digits in black and white (bar, with 10 binary latents:
    -18.2), all codes summed over, of 30 by importance sampling; an autoencoder with
    relaxed codes and the same decoder, in a tenth, a third and all of the seconds;
    independent pixels."""
    X = (load_digits().data > 8).astype(float)
    train, test = train_test_split(X, test_size=450, random_state=seed)
    model = LatentVariableModel(Bernoulli(n_latents), MLP((64,)), BinaryPixels())
    learner, seconds = fitted(model, train, seed)
    share = (train.sum(axis=0) + 0.5) / (len(train) + 1)
    alone = np.mean(test @ np.log(share) + (1 - test) @ np.log1p(-share))
    rng, theirs = np.random.default_rng(seed), []
    for part in (0.1, 1 / 3, 1.0):
        *peer, n_steps = gumbel_autoencoder(model, train, Clock(part * seconds[0]), rng)
        found = np.mean(nats_of_codes(model, *peer, train, test, rng, N_CODE_DRAWS))
        theirs.append(f"{found:6.2f} ({n_steps} steps)")
    nats = [
        np.mean(log_marginal_likelihood(model, learner.params_, rows, N_CODE_DRAWS))
        for rows in (test, train)
    ]
    show(
        case,
        seed,
        seconds,
        f"{nats[0]:6.2f} nats (rows fitted {nats[1]:6.2f})",
        f"autoencoder {', '.join(theirs)}",
        f"independent {alone:6.2f}",
    )


def circle(case, seed, n_rows):
    """Once round (bar: 1 or -1), all steps forward (1), none above 30 degrees, error of a
    pixel (0.05), most over fewest of ten bins (2); bar 60 s."""
    example = runpy.run_path(Path(__file__).parents[1] / "plot_circle.py")
    orientation = np.random.default_rng(seed).uniform(0, np.pi, n_rows)
    learner, seconds = fitted(
        example["circle_model"](100), example["gabors"](orientation), seed
    )
    found = example["figures"](learner.inverse_transform)
    names = "round", "forward", "largest step", "error", "bins"
    show(case, seed, seconds, *map("{} {:.3g}".format, names, found.values()))


# %%
# Wrong samplers
# --------------


def inflated(model):
    """The same model with a sampler whose observations are a tenth too large."""

    def sample(params, n_samples, rng):
        latents, observations = model.sample(params, n_samples, rng)
        return latents, 1.1 * observations

    other = copy(model)
    other.sample = sample
    return other


def score_identity(model, X, seed):
    """What check_model says of sampler and log joint."""
    try:
        report = check_model(model, X, random_state=seed)
    except ModelCheckError as error:
        report = error.report
    law = "score identity: sampler and log joint agree"
    detail = next(finding.detail for finding in report.findings if finding.law == law)
    return detail.removeprefix("largest ")


def wrong(case, seed):
    """Score identity of a sampler that inflates by a tenth (bar: |z| above 6), and of the
    right one."""
    waits = WAITING.sample({"rate": 0.4, "sd": 0.5}, 4000, np.random.default_rng(seed))[1]
    rows, _ = digits(seed)
    linear = LatentVariableModel(Gaussian(8), Linear(), GaussianNoise(per_feature=True))
    models = {
        "waiting": (WAITING, waits),
        "linear factors": (linear, rows),
        "network": (network(8), rows),
    }
    for name, (model, X) in models.items():
        right, false = (score_identity(kind, X, seed) for kind in (model, inflated(model)))
        show(f"{case}: {name}", seed, None, f"inflated {false}", f"right {right}")


# Name: function, its arguments, number of seeds.  Those without a bar of their own come
# after those that have one; what takes long comes last.
CASES = {
    "waiting": (waiting, {"rate": 0.4, "sd": 0.5, "n_rows": 4000}, 5),
    "waiting, small error": (waiting, {"rate": 0.4, "sd": 0.1, "n_rows": 4000}, 5),
    **{name: (curved, {}, 3) for name in BENDS},
    "mixture of 2": (gaussians, {"n_components": 2, "distance": 2.0}, 5),
    "mixture of 3": (gaussians, {"n_components": 3, "distance": 2.0}, 5),
    "mixture of 5": (gaussians, {"n_components": 5, "distance": 3.0}, 5),
    "2 clusters": (clusters, {"n_components": 2, "distance": 1.0}, 5),
    "5 clusters": (clusters, {"n_components": 5, "distance": 1.0}, 5),
    "8 clusters": (clusters, {"n_components": 8, "distance": 1.5}, 5),
    "3 classes": (yes_or_no, {"n_classes": 3, "concentration": 0.8}, 5),
    "3 classes, alike": (yes_or_no, {"n_classes": 3, "concentration": 3.0}, 5),
    "factors in a dictionary": (dictionary, {"table": "planted"}, 5),
    "wine in a dictionary": (dictionary, {"table": "wine"}, 3),
    "wrong": (wrong, {}, 3),
    "circle": (circle, {"n_rows": 10_000}, 3),
    "digits, 10 switches": (codes, {"n_latents": 10}, 3),
    "digits, 30 switches": (codes, {"n_latents": 30}, 3),
    "digits, 8 latents": (pictures, {"n_latents": 8}, 3),
    "digits, 3 latents": (pictures, {"n_latents": 3}, 2),
    "digits, 2 latents": (pictures, {"n_latents": 2}, 2),
}


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, help="of each case; 2 to 5 if left out")
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    heading = None
    for name in options.cases:
        function, arguments, n_seeds = CASES[name]
        if heading != function.__doc__:
            heading = function.__doc__
            print(" ".join(heading.split()))
        for seed in range(options.seeds or n_seeds):
            function(name, seed, **arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
