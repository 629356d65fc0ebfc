"""AmortisedICA beside FastICA and the best of three Picards: Amari error and time.

Run with ``make bench-ica``.  Times depend on the machine and on what else it does: read
the ratios, which are taken in one run.
"""

import argparse
import sys
import warnings
from time import perf_counter

import numpy as np
from picard import picard
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import FastICA

from skaws import AmortisedICA
from skaws.regression import default_regressor

# Name: sources, features, noise, rows, kind of sources.
CASES = {
    "6x8": (6, 8, 0.3, 5000, "laplace"),
    "20x30": (20, 30, 0.5, 20_000, "laplace"),
    "20x30 million": (20, 30, 0.5, 1_000_000, "laplace"),
    "10x10 noisy": (10, 10, 1.0, 5000, "laplace"),
    "10x10 laplace": (10, 10, 0.0, 5000, "laplace"),
    "10x10 uniform": (10, 10, 0.0, 5000, "uniform"),
    "10x10 mixed": (10, 10, 0.0, 5000, "mixed"),
    "4 in 3": (4, 3, 0.0, 5000, "sparse"),
    "4 in 3 noisy": (4, 3, 0.1, 5000, "sparse"),
    "5x8 sparser": (5, 8, 0.5, 10_000, "sparser"),
}
GRID = {
    f"{k}x{d} n {n} sd {noise}": (k, d, noise, n, "laplace")
    for k, d in ((6, 8), (20, 20), (20, 30), (40, 64))
    for n in (2000, 20_000)
    for noise in (0.0, 0.3, 1.0)
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
    """Result of a call, and its seconds."""
    start = perf_counter()
    return function(), perf_counter() - start


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


def compare(name, case, seed, **options):
    """Print a row for one table."""
    n_sources, n_features, noise, _, _ = case
    X, mixing = make(*case, seed)
    model = AmortisedICA(n_sources, random_state=seed, **options)
    _, seconds = timed(lambda: model.fit(X))
    variance = float(np.mean(model.noise_variance_))
    share = f"{variance / noise**2:6.3f}" if noise else f"{variance:6.0e}"
    start = f"{name:>20} {seed:4} {seconds:6.2f} s  noise {share}"
    if n_sources > n_features:
        print(f"{start}  matched cosine {cosine(model.mixing_, mixing):.3f}", flush=True)
        return
    fast, fast_seconds, picards = peers(X, n_sources)
    error = amari(model.components_, mixing)
    to_fast = error / amari(fast, mixing)
    to_picard = error / min(amari(unmixing, mixing) for unmixing in picards)
    print(
        f"{start}  Amari {error:.4f}  / FastICA {to_fast:5.2f} ({fast_seconds:.2f} s)"
        f"  / best {to_picard:5.2f}",
        flush=True,
    )


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    parser.add_argument("--grid", action="store_true", help="sizes by rows by noise")
    parser.add_argument("--kernel", action="store_true", help="kernel ridge regression")
    options = parser.parse_args(argv)
    kernel = {"regressor": default_regressor(), "n_simulations": 300}
    warnings.simplefilter("ignore")
    print("noise: estimated variance over the true one (itself, where there is none)")
    cases = {**CASES, **GRID, **TOY}
    for name in GRID if options.grid else options.cases:
        for seed in range(options.seeds):
            compare(name, cases[name], seed, **(kernel if options.kernel else {}))


if __name__ == "__main__":
    main(sys.argv[1:])
