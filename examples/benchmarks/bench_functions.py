"""Rows that are functions, half seen: factors and a network beside the exact process.

Run with ``make bench-functions``.  Draws of a Gaussian process at sixteen inputs; of new
ones three tenths are the context, and the rest is predicted.
"""

import argparse
import sys
import warnings
from time import process_time

import numpy as np
from scipy.stats import multivariate_normal

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
    """Log density of the rest of a row, given what is known."""
    slope = np.linalg.solve(COVARIANCE[np.ix_(known, known)], COVARIANCE[known][:, ~known])
    rest = COVARIANCE[np.ix_(~known, ~known)] - COVARIANCE[~known][:, known] @ slope
    return multivariate_normal(row[known] @ slope, rest).logpdf(row[~known])


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-iter", type=int, default=None)
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
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


if __name__ == "__main__":
    main(sys.argv[1:])
