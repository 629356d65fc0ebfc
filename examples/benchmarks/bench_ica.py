"""AmortisedICA beside FastICA, Picard, and what the rows allow: Amari error and time.

Run with ``make bench-ica``.  Times depend on the machine and on what else it does: read
the ratios, which are taken in one run.
"""

import argparse
import sys
import warnings
from time import process_time

import numpy as np
from picard import picard
from scipy.optimize import linear_sum_assignment
from scipy.special import expit, log_ndtr, ndtri_exp
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.decomposition import FastICA
from sklearn.model_selection import train_test_split

from skaws import AmortisedFactorAnalysis, AmortisedICA

# Name: sources, features, noise, rows, kind of sources.
CASES = {
    "6x8": (6, 8, 0.3, 5000, "laplace"),
    "6x8 sd 1": (6, 8, 1.0, 5000, "laplace"),
    "20x30": (20, 30, 0.5, 20_000, "laplace"),
    "20x30 million": (20, 30, 0.5, 1_000_000, "laplace"),
    "10x10 noisy": (10, 10, 1.0, 5000, "laplace"),
    "10x10 laplace": (10, 10, 0.0, 5000, "laplace"),
    "10x10 uniform": (10, 10, 0.0, 5000, "uniform"),
    "10x10 mixed": (10, 10, 0.0, 5000, "mixed"),
    "4 in 3": (4, 3, 0.0, 5000, "sparse"),
    "4 in 3 noisy": (4, 3, 0.1, 5000, "sparse"),
    "5x8 sparser": (5, 8, 0.5, 10_000, "sparser"),
    "3x3 exponential": (3, 3, 0.0, 1500, "exponential"),
    "3x6 exponential": (3, 6, 0.1, 1500, "exponential"),
    **{
        f"{k}x{d} lognormal {width}": (k, d, noise, 1500, f"lognormal {width}")
        for width in (0.7, 1.0, 1.5)
        for k, d, noise in ((3, 3, 0.0), (3, 6, 0.1))
    },
}
GRID = {
    f"{k}x{d} n {n} sd {noise}": (k, d, noise, n, "laplace")
    for k, d in ((6, 8), (20, 20), (20, 30), (40, 64))
    for n in (2000, 20_000)
    for noise in (0.0, 0.3, 1.0)
}
TABLES = {
    "iris": load_iris,
    "wine": load_wine,
    "diabetes": load_diabetes,
    "breast cancer": load_breast_cancer,
    "digits": load_digits,
}
BY_DEFAULT = {
    "factors": AmortisedFactorAnalysis(random_state=0),
    "sources": AmortisedICA(random_state=0),
    "sources, own noise": AmortisedICA(noise="per_feature", random_state=0),
}
TOY = {"toy": (2, 4, 0.3, 1000, "laplace")}
POWERS = {"sparse": 1.5, "sparser": 2.0}  # of Laplace sources: kurtosis above 15, 40
MOST_ROWS = 100_000  # for Picard, which takes a minute for a million
PICARDS = ({"ortho": False}, {"extended": True}, {"ortho": False, "extended": True})


def make(n_sources, n_features, noise, n_rows, kind, seed):
    """Mixed rows of unit-variance sources, and the mixing matrix."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((n_features, n_sources))
    sources = rng.laplace(size=(n_rows, n_sources)) / np.sqrt(2)
    flat = rng.uniform(-np.sqrt(3), np.sqrt(3), sources.shape)
    if kind == "uniform":
        sources = flat
    elif kind == "mixed":
        sources[:, ::2] = flat[:, ::2]
    elif kind == "exponential":
        sources = rng.exponential(size=sources.shape) - 1
    elif kind.startswith("lognormal"):
        width = float(kind.split()[1])
        sources = np.exp(width * rng.standard_normal(sources.shape))
        sources = (sources - sources.mean(axis=0)) / sources.std(axis=0)
    elif kind in POWERS:
        sources = np.sign(sources) * np.abs(sources) ** POWERS[kind]
        sources /= sources.std(axis=0)
    return sources @ mixing.T + noise * rng.standard_normal((n_rows, n_features)), mixing


def amari(unmixing, mixing):
    """Amari's error of an unmixing matrix."""
    gain = np.abs(unmixing @ mixing)
    n = len(gain)
    rows = np.sum(gain / gain.max(axis=1, keepdims=True)) - n
    return (rows + np.sum(gain / gain.max(axis=0)) - n) / (2 * n * (n - 1))


def cosine(found, truth):
    """Mean |cosine| of matched columns."""
    found = found / np.linalg.norm(found, axis=0)
    cosines = np.abs(found.T @ (truth / np.linalg.norm(truth, axis=0)))
    return cosines[linear_sum_assignment(-cosines)].mean()


def timed(function):
    """Result of a call, and the seconds that the processor took."""
    start = process_time()
    return function(), process_time() - start


def peers(X, n_sources):
    """Unmixing matrix and seconds of FastICA; it and, on fewer rows, three Picards."""
    fast = FastICA(n_sources, whiten="unit-variance", random_state=0, max_iter=1000)
    fast, fast_seconds = timed(lambda: fast.fit(X).components_)
    found = [fast]
    for options in PICARDS if len(X) <= MOST_ROWS else ():
        whitening, rotation, _ = picard(
            X.T, n_components=n_sources, random_state=0, **options
        )
        found.append(rotation @ whitening)
    return fast, fast_seconds, found


def corrected(X, unmixing):
    """The rotation of FastICA's answer, for the covariance without the noise.

    The noise is what the trailing eigenvalues say, so there must be some.
    """
    variances, axes = np.linalg.eigh(np.cov(X.T))
    k = len(unmixing)
    noise, signal, axes = variances[:-k].mean(), variances[-k:], axes[:, -k:]
    rotation = unmixing @ axes * np.sqrt(signal)
    left, _, right = np.linalg.svd(rotation)
    mixing = axes * np.sqrt(np.maximum(signal - noise, 1e-3 * signal)) @ (left @ right).T
    return np.linalg.pinv(mixing)


def compare(name, case, seed, with_bound):
    """Print a row for one table; return seconds, FastICA's, and errors for `ratios`."""
    n_sources, n_features, noise, _, _ = case
    X, mixing = make(*case, seed)
    model = AmortisedICA(n_sources, random_state=seed)
    _, seconds = timed(lambda: model.fit(X))
    variance = float(np.mean(model.noise_variance_))
    share = f"{variance / noise**2:6.3f}" if noise else f"{variance:6.0e}"
    start = f"{name:>20} {seed:4} {seconds:6.2f} s  noise {share}"
    if n_sources > n_features:
        print(f"{start}  matched cosine {cosine(model.mixing_, mixing):.3f}", flush=True)
        return [seconds]
    fast, fast_seconds, picards = peers(X, n_sources)
    peer = corrected(X, fast) if n_sources < n_features else fast
    best = min(amari(unmixing, mixing) for unmixing in picards)
    errors = [amari(unmixing, mixing) for unmixing in (model.components_, fast, peer)]
    print(f"{start}  {ratios([*errors, best])}  ({fast_seconds:.2f} s FastICA)", flush=True)
    least = bound(mixing, case) if with_bound else np.nan
    return [seconds, fast_seconds, *errors, best, least]


def ratios(errors):
    """This fit's Amari error, and its ratio to those of others; no bound is NaN."""
    own, *others = errors
    pairs = zip(("FastICA", "corrected", "best", "bound"), others, strict=False)
    shown = (f"/ {name} {own / other:5.2f}" for name, other in pairs if other == other)
    return f"Amari {own:.4f}  {'  '.join(shown)}"


# Default fits of real tables, by held-out score.


def compare_on(name):
    """Print what each estimator makes of a table, as it comes."""
    fitted, held_out = train_test_split(TABLES[name]().data, random_state=0)
    for way, estimator in BY_DEFAULT.items():
        started = process_time()
        estimator = clone(estimator).fit(fitted)
        seconds = process_time() - started
        score = estimator.score(held_out)
        found = f"{estimator.n_components_:3d}  {seconds:6.2f} s  {score:12.2f} nats a row"
        end = "converged" if estimator.converged_ else "not converged, warned of"
        print(f"{name:>14}  {way:<18}  {found}  {end}", flush=True)


# What the rows allow: the information bound for known Laplace sources.


def bound(mixing, case):
    """Median Amari error of an efficient estimate of the mixing and the noise level.

    Its errors are Gaussian with the inverse Fisher information, which is the covariance of
    E[score | x].  Two Gibbs samplers for the latents of each simulated row, independent of
    each other, give that expectation twice: their cross-covariance has no bias.
    """
    k, _, noise, n_rows, kind = case
    if kind != "laplace" or noise == 0 or n_rows > MOST_ROWS:
        return np.nan
    rng, n = np.random.default_rng(0), 20_000
    sources = rng.laplace(size=(n, k)) / np.sqrt(2)
    X = sources @ mixing.T + noise * rng.standard_normal((n, len(mixing)))
    first, second = (expected_scores(X, mixing, noise**2, rng) for _ in range(2))
    information = first.T @ second / n
    sizes, axes = np.linalg.eigh((information + information.T) / 2)
    sizes = np.maximum(sizes, 2e-4)  # the error of the covariance of so many rows
    errors = rng.standard_normal((200, k**2 + 1)) / np.sqrt(n_rows * sizes) @ axes.T
    steps = np.eye(k) + errors[:, : k**2].reshape(-1, k, k)
    return np.median([amari(np.linalg.inv(step), np.eye(k)) for step in steps])


def expected_scores(X, mixing, variance, rng, n_discarded=150, n_sweeps=150):
    """Posterior mean of the scores of relative steps of the mixing, and of log variance."""
    n, k = len(X), mixing.shape[1]
    s, total = X @ np.linalg.pinv(mixing).T, np.zeros((n, k**2 + 1))
    residual = X - s @ mixing.T
    precision = np.sum(mixing**2, axis=0) / variance
    for sweep in range(n_discarded + n_sweeps):
        for j in range(k):
            centre = s[:, j] + residual @ mixing[:, j] / (variance * precision[j])
            drawn = laplace_times_gaussian(centre, precision[j], rng)
            residual -= np.outer(drawn - s[:, j], mixing[:, j])
            s[:, j] = drawn
        if sweep >= n_discarded:
            steps = s[:, :, None] * (np.sqrt(2) * np.sign(s))[:, None, :] - np.eye(k)
            distance = np.sum(residual**2, axis=1) / variance
            total[:, :-1] += steps.reshape(n, -1)
            total[:, -1] += 0.5 * (distance - X.shape[1])
    return total / n_sweeps


def laplace_times_gaussian(centre, precision, rng):
    """Draws of a Laplace density times a Gaussian one, N(s; centre, 1 / precision).

    Each is one of two truncated Gaussians, above zero and below.
    """
    signs, root = np.array([[1.0], [-1.0]]), np.sqrt(precision)
    means = signs * centre - np.sqrt(2) / precision  # each side seen as the positive one
    log_mass = log_ndtr(means * root)
    log_weights = 0.5 * precision * means**2 + log_mass
    side = (rng.random(len(centre)) > expit(log_weights[0] - log_weights[1])).astype(int)
    index = side, np.arange(len(centre))
    tail = np.log1p(-rng.random(len(centre))) + log_mass[index]
    return signs[side, 0] * (means[index] - ndtri_exp(tail) / root)


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    parser.add_argument("--tables", nargs="*", help="default fits of real tables instead")
    parser.add_argument("--grid", action="store_true", help="sizes by rows by noise")
    parser.add_argument("--bound", action="store_true", help="the information bound, slow")
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    if options.tables is not None:
        for name in options.tables or TABLES:
            compare_on(name)
        return
    print("noise: estimated variance over the true one (itself, where there is none)")
    cases = {**CASES, **GRID, **TOY}
    for name in GRID if options.grid else options.cases:
        found = [
            compare(name, cases[name], seed, options.bound) for seed in range(options.seeds)
        ]
        seconds, *others = np.array(found).T
        if others:
            means = np.exp(np.mean(np.log(others[1:]), axis=1))
            times = f"{seconds.mean():6.2f} s  ({others[0].mean():.2f} s FastICA)"
            print(f"{name:>20} mean {times}  {ratios(means)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
