"""Milliseconds of an iteration of each kind of fit, and of the latents of one row.

Run with ``make bench-speed``.  Medians of 100 iterations after the first twenty, and of
``transform`` calls: of a machine with other work, read ratios to another version's.
"""

import sys
import warnings
from time import perf_counter

import numpy as np
from bend_models import BENDS
from learner_peers import WAITING
from sklearn.datasets import load_digits

import skaws.estimators.training as training
from skaws import (
    AmortisedFactorAnalysis,
    AmortisedICA,
    AmortisedLearner,
    AmortisedNMF,
)
from skaws.decoders import MLP
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import Gaussian

N_SKIPPED, N_TIMED = 20, 100


def mixed(n_sources, n_features, n_rows):
    """Rows of Laplace sources, mixed and seen in noise."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((n_sources, n_features))
    sources = rng.laplace(size=(n_rows, n_sources))
    return sources @ mixing + 0.5 * rng.standard_normal((n_rows, n_features))


def cases():
    """Name, estimator and rows of each case."""
    digits = load_digits().data
    network = LatentVariableModel(Gaussian(8), MLP((64, 64)), GaussianNoise())
    times = WAITING.sample({"rate": 0.4, "sd": 0.5}, 4000, np.random.default_rng(0))[1]
    yield "factors of digits, 10", AmortisedFactorAnalysis(10), digits
    yield "sources, 6 x 8", AmortisedICA(6), mixed(6, 8, 5000)
    yield "sources, 20 x 30", AmortisedICA(20), mixed(20, 30, 20_000)
    yield "parts of digits, 12", AmortisedNMF(12), digits
    yield "waiting times, functions", AmortisedLearner(WAITING), times
    yield "network of digits, 8", AmortisedLearner(network), digits


def milliseconds(estimator, X, n_timed=N_TIMED):
    """Median time of an iteration."""
    stamps, loop = [], training.wake_sleep

    def watched(*arguments, **options):
        for iteration in loop(*arguments, **options):
            stamps.append(perf_counter())
            yield iteration

    training.wake_sleep = watched
    try:
        max_iter = 3 * (N_SKIPPED + n_timed)
        estimator.set_params(max_iter=max_iter, random_state=0).fit(X)
    finally:
        training.wake_sleep = loop
    return 1e3 * np.median(np.diff(stamps[N_SKIPPED : N_SKIPPED + n_timed]))


def main(n_timed=N_TIMED, names=("parabola", "counts, 3 columns")):
    warnings.simplefilter("ignore")
    for name, estimator, X in cases():
        found = milliseconds(estimator, X, n_timed)
        print(f"{name:>26}  {found:7.2f} ms an iteration", flush=True)
    for name in names:
        rows = BENDS[name].rows(500, 0)
        learner = AmortisedLearner(BENDS[name].model, max_iter=n_timed, random_state=0)
        transform = learner.fit(rows).transform
        stamps = [perf_counter()]
        for row in rows[:N_TIMED]:
            transform(row[None])
            stamps.append(perf_counter())
        found = 1e3 * np.median(np.diff(stamps))
        print(f"{name:>26}  {found:7.2f} ms a row of transform", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
