"""AmortisedSimulator beside approximate Bayesian computation, parameters being known.

Run with ``make bench-simulator``.  Both have the same prior, the same summaries and about
the same number of simulations.
"""

import argparse
import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from scipy.stats import lognorm
from sklearn.linear_model import LinearRegression, Ridge

from skaws import AmortisedSimulator
from skaws.lifted import SeriesSummaries, Simulator, UnitCoordinates, Whitening

sys.path.insert(0, str(Path(__file__).parents[1]))
import plot_blowflies

ACCEPTED = 0.02


def ricker(r, sigma, phi, rng, n_times):
    """Counts of a population that grows and collapses."""
    n, counts = np.ones_like(r), []
    for t in range(n_times + 50):
        n = np.clip(r * n * np.exp(-n + sigma * rng.standard_normal(len(r))), 1e-30, 1e6)
        if t >= 50:
            counts.append(rng.poisson(np.minimum(phi * n, 1e7)))
    return np.stack(counts, axis=1).astype(float)


def predators(alpha, beta, gamma, delta, process, error, prey, hunters, rng, n_times):
    """Prey and predators, each growth rate with noise, both seen with an error."""
    u, v, seen = np.log(prey), np.log(hunters), []
    for _ in range(n_times):
        seen.append(np.stack([u, v], axis=1))
        for _ in range(10):
            noise = np.sqrt(0.1) * process * rng.standard_normal((2, len(alpha)))
            u, v = (
                np.clip(u + 0.1 * (alpha - beta * np.exp(v)) + noise[0], -8, 9),
                np.clip(v + 0.1 * (delta * np.exp(u) - gamma) + noise[1], -8, 9),
            )
    seen = np.stack(seen, axis=1)
    return np.exp(seen + error[:, None, None] * rng.standard_normal(seen.shape))


def about(**medians_and_widths):
    """Log-normal priors."""
    return {name: lognorm(w, scale=m) for name, (m, w) in medians_and_widths.items()}


TASKS = {
    "Ricker": (
        ricker,
        50,
        {"r": np.exp(3.8), "sigma": 0.3, "phi": 10.0},
        about(r=(30, 0.8), sigma=(0.3, 0.6), phi=(8, 0.6)),
    ),
    "predators": (
        predators,
        21,
        {
            "alpha": 0.55,
            "beta": 0.028,
            "gamma": 0.8,
            "delta": 0.024,
            "process": 0.15,
            "error": 0.2,
            "prey": 30.0,
            "hunters": 5.0,
        },
        about(
            alpha=(1, 1),
            beta=(0.05, 1),
            gamma=(1, 1),
            delta=(0.05, 1),
            process=(0.3, 0.8),
            error=(0.3, 0.8),
            prey=(20, 0.8),
            hunters=(10, 0.8),
        ),
    ),
    "blowflies": (
        plot_blowflies.blowflies,
        180,
        plot_blowflies.TRUTH,
        plot_blowflies.PRIORS,
    ),
}


def abc(simulate, priors, X, n_simulations, seed):
    """Rejection in the space of learnt parameters, with linear adjustment.

    Fearnhead & Prangle (2012); Beaumont et al. (2002).
    """
    rng, coordinates = np.random.default_rng(seed), UnitCoordinates(priors)
    real = X if X.ndim == 3 else X[..., None]
    summaries = SeriesSummaries(real)
    unit = rng.standard_normal((n_simulations, coordinates.size))
    drawn = summaries(Simulator(simulate, coordinates, True)(unit, real.shape[1], rng))
    sound = np.isfinite(drawn).all(axis=1)
    unit, drawn = unit[sound], drawn[sound]
    whitening = Whitening(drawn)
    white, (seen, _) = whitening(drawn), whitening.within(summaries(real))
    learnt = Ridge(alpha=10.0).fit(white, unit)
    points, at = learnt.predict(white), learnt.predict(seen)[0]
    away = np.sum(((points - at) / points.std(axis=0)) ** 2, axis=1)
    near = np.argsort(away)[: max(int(ACCEPTED * len(away)), 3 * coordinates.size)]
    slopes = LinearRegression().fit(points[near], unit[near])
    adjusted = unit[near] - slopes.predict(points[near]) + slopes.predict(at[None])
    return adjusted.mean(axis=0), adjusted.std(axis=0)


def compare(name, n_series):
    """Print errors of logarithms, coverage and time of both."""
    simulate, n_times, truth, priors = TASKS[name]
    coordinates = UnitCoordinates(priors)
    values = {parameter: np.array([value]) for parameter, value in truth.items()}
    exact = coordinates.unit(values)[0]
    widths = np.array([prior.args[0] for prior in priors.values()])  # of logarithms
    found = {"skaws": [], "ABC": []}
    n_used = []
    for seed in range(700, 700 + n_series):
        X = simulate(**values, rng=np.random.default_rng(seed), n_times=n_times)
        start = process_time()
        model = AmortisedSimulator(simulate, priors, vectorized=True, random_state=seed)
        model.fit(X)
        ours = model.mean_, np.sqrt(np.diag(model.covariance_))
        between = process_time()
        n_used.append(model.n_simulations_)
        theirs = abc(simulate, priors, X, int(np.mean(n_used)), seed)
        end = process_time()
        for way, (mean, sd), seconds in (
            ("skaws", ours, between - start),
            ("ABC", theirs, end - between),
        ):
            errors = mean - exact
            found[way].append((errors * widths, np.abs(errors / sd) < 1.645, seconds))
    row = f"{name:>10}, {np.mean(n_used):6.0f} simulations "
    for way, results in found.items():
        errors, covered, seconds = zip(*results, strict=True)
        rms = np.sqrt(np.mean(np.square(errors)))
        row += f"  {way}: error {rms:.3f}, 90% cover {np.mean(covered):.0%}"
        row += f" ({np.mean(seconds):.2f} s)"
    print(row, flush=True)


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=12)
    parser.add_argument("--tasks", nargs="*", default=list(TASKS))
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    print("root mean squares of errors of logarithms; each row one truth, several series")
    for name in options.tasks:
        compare(name, options.series)


if __name__ == "__main__":
    main(sys.argv[1:])
