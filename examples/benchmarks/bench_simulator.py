"""AmortisedSimulator beside other ways without a density, parameters being known.

Run with ``make bench-simulator``.  All have the same prior, the same summaries and about
the same number of simulations.
"""

import argparse
import logging
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
from scipy.stats import multivariate_normal
from sklearn.linear_model import LinearRegression, Ridge

from skaws import AmortisedSimulator
from skaws.lifted import SeriesSummaries, Simulator, UnitCoordinates, Whitening

sys.path.insert(0, str(Path(__file__).parent))
from simulator_tasks import BLOWFLIES, PREDATORS, RICKER

ACCEPTED = 0.02


TASKS = {"Ricker": RICKER, "predators": PREDATORS, "blowflies": BLOWFLIES}


class Drawn:
    """Unit coordinates from the prior, and white summaries of what they simulate."""

    def __init__(self, simulate, priors, X, n_simulations, rng):
        self.coordinates = UnitCoordinates(priors)
        real = X if X.ndim == 3 else X[..., None]
        self._run, self._n_times = (
            Simulator(simulate, self.coordinates, True),
            real.shape[1],
        )
        self._summaries, self._rng = SeriesSummaries(real), rng
        unit = rng.standard_normal((n_simulations, self.coordinates.size))
        drawn = self.summaries(unit)
        sound = np.isfinite(drawn).all(axis=1)
        self.unit = unit[sound]
        self._whitening = Whitening(drawn[sound])
        self.white = self._whitening(drawn[sound])
        self.seen, _ = self._whitening.within(self._summaries(real))

    def summaries(self, unit):
        return self._summaries(self._run(unit, self._n_times, self._rng))

    def white_at(self, unit):
        found = self.summaries(unit)
        return self._whitening(found[np.isfinite(found).all(axis=1)])


def abc(simulate, priors, X, n_simulations, seed):
    """Rejection in the space of learnt parameters, with linear adjustment.

    Fearnhead & Prangle (2012); Beaumont et al. (2002).
    """
    drawn = Drawn(simulate, priors, X, n_simulations, np.random.default_rng(seed))
    return adjusted(drawn)[:2]


def adjusted(drawn):
    """Means and standard deviations of the nearest, and the learnt summaries."""
    learnt = Ridge(alpha=10.0).fit(drawn.white, drawn.unit)
    points, at = learnt.predict(drawn.white), learnt.predict(drawn.seen)[0]
    away = np.sum(((points - at) / points.std(axis=0)) ** 2, axis=1)
    near = np.argsort(away)[: max(int(ACCEPTED * len(away)), 3 * drawn.unit.shape[1])]
    slopes = LinearRegression().fit(points[near], drawn.unit[near])
    left = drawn.unit[near] - slopes.predict(points[near]) + slopes.predict(at[None])
    return left.mean(axis=0), left.std(axis=0), learnt


def synthetic_likelihood(simulate, priors, X, n_simulations, seed, n_each=50):
    """A Gaussian likelihood of learnt summaries, climbed by a random walk.

    Wood (2010).  A third of the simulations goes into the summaries and the start.
    """
    rng = np.random.default_rng(seed)
    drawn = Drawn(simulate, priors, X, n_simulations // 3, rng)
    here, sd, learnt = adjusted(drawn)
    at = learnt.predict(drawn.seen)[0]

    def log_density(unit):
        points = learnt.predict(drawn.white_at(np.tile(unit, (n_each, 1))))
        covariance = np.cov(points.T) + 1e-9 * np.eye(len(unit))
        return multivariate_normal(points.mean(axis=0), covariance).logpdf(at) - (
            0.5 * unit @ unit
        )

    height, path = log_density(here), []
    for _ in range((n_simulations - n_simulations // 3) // n_each):
        there = here + 1.5 / np.sqrt(len(sd)) * sd * rng.standard_normal(len(sd))
        other = log_density(there)
        if np.log(rng.random()) < other - height:
            here, height = there, other
        path.append(here)
    path = np.array(path[len(path) // 4 :])
    return path.mean(axis=0), path.std(axis=0) + 1e-9


def neural_posterior(simulate, priors, X, n_simulations, seed):
    """One round of sbi's NPE on the same white summaries; needs the package sbi."""
    import torch
    from sbi.inference import NPE

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    drawn = Drawn(simulate, priors, X, n_simulations, np.random.default_rng(seed))
    size = drawn.unit.shape[1]
    prior = torch.distributions.MultivariateNormal(torch.zeros(size), torch.eye(size))
    trainer = NPE(prior, show_progress_bars=False)
    unit, white, seen = (
        torch.as_tensor(values, dtype=torch.float32)
        for values in (drawn.unit, drawn.white, drawn.seen)
    )
    trainer.append_simulations(unit, white).train()
    draws = trainer.build_posterior().sample((2000,), x=seen, show_progress_bars=False)
    return draws.numpy().mean(axis=0), draws.numpy().std(axis=0)


def sequential_abc(simulate, priors, X, n_simulations, seed):
    """pyABC's ABC-SMC on learnt summaries; needs the package pyabc.

    A third of the simulations goes into the summaries.
    """
    import pyabc

    np.random.seed(seed)  # what pyabc draws from
    drawn = Drawn(simulate, priors, X, n_simulations // 3, np.random.default_rng(seed))
    learnt = adjusted(drawn)[2]
    widths = learnt.predict(drawn.white).std(axis=0)
    names = list(priors)

    def model(parameters):
        unit = np.array([[parameters[name] for name in names]])
        white = drawn.white_at(unit)
        point = learnt.predict(white)[0] if len(white) else np.full(len(names), 1e3)
        return {"point": point / widths}

    def distance(one, other):
        return np.linalg.norm(one["point"] - other["point"])

    search = pyabc.ABCSMC(
        model,
        pyabc.Distribution(**{name: pyabc.RV("norm", 0, 1) for name in names}),
        distance,
        population_size=200,
        sampler=pyabc.sampler.SingleCoreSampler(),
    )
    with TemporaryDirectory() as folder:
        database = "sqlite:///" + str(Path(folder) / "found.db")
        search.new(database, {"point": learnt.predict(drawn.seen)[0] / widths})
        history = search.run(max_total_nr_simulations=n_simulations - n_simulations // 3)
        frame, weights = history.get_distribution()
        history.done()
    draws = frame[names].to_numpy()
    mean = weights @ draws
    return mean, np.sqrt(weights @ (draws - mean) ** 2)


PEERS = {"ABC": abc, "synthetic": synthetic_likelihood}
if find_spec("sbi"):
    PEERS["NPE"] = neural_posterior
if find_spec("pyabc"):
    PEERS["ABC-SMC"] = sequential_abc


def compare(name, n_series):
    """Print errors of logarithms, coverage and time of both."""
    task = TASKS[name]
    simulate, _, truth, priors = task
    coordinates = UnitCoordinates(priors)
    values = {parameter: np.array([value]) for parameter, value in truth.items()}
    exact = coordinates.unit(values)[0]
    widths = np.array([prior.args[0] for prior in priors.values()])  # of logarithms
    found = {way: [] for way in ("skaws", *PEERS)}
    n_used = []
    for seed in range(700, 700 + n_series):
        X = task.series(seed)
        start = process_time()
        model = AmortisedSimulator(simulate, priors, vectorized=True, random_state=seed)
        model.fit(X)
        results = {"skaws": (model.mean_, np.sqrt(np.diag(model.covariance_)))}
        times = {"skaws": process_time() - start}
        n_used.append(model.n_simulations_)
        for way, peer in PEERS.items():
            start = process_time()
            results[way] = peer(simulate, priors, X, int(np.mean(n_used)), seed)
            times[way] = process_time() - start
        for way, (mean, sd) in results.items():
            errors = mean - exact
            found[way].append((errors * widths, np.abs(errors / sd) < 1.645, times[way]))
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
    logging.disable(logging.INFO)  # of pyabc
    print("root mean squares of errors of logarithms; each row one truth, several series")
    for name in options.tasks:
        compare(name, options.series)


if __name__ == "__main__":
    main(sys.argv[1:])
