"""Simulators with known parameters, their priors, and the exact answers to some of them."""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import least_squares
from scipy.special import logsumexp
from scipy.stats import beta, lognorm, multivariate_t, norm, uniform

sys.path.insert(0, str(Path(__file__).parents[1]))
import plot_blowflies
import plot_hodgkin_huxley
import plot_predators
import plot_stiff


class Task(NamedTuple):
    """A simulator of n series at once, its true parameters and their priors."""

    simulate: object
    n_times: int
    truth: dict
    priors: dict

    def series(self, seed, n_times=None):
        """One series of the true parameters."""
        values = {name: np.array([value]) for name, value in self.truth.items()}
        rng = np.random.default_rng(seed)
        return self.simulate(**values, rng=rng, n_times=n_times or self.n_times)


def about(**medians_and_widths):
    """Log-normal priors."""
    return {name: lognorm(w, scale=m) for name, (m, w) in medians_and_widths.items()}


def ricker(r, sigma, phi, rng, n_times):
    """Counts of a population that grows and collapses."""
    n, counts = np.ones_like(r), []
    for t in range(n_times + 50):
        n = np.clip(r * n * np.exp(-n + sigma * rng.standard_normal(len(r))), 1e-30, 1e6)
        if t >= 50:
            counts.append(rng.poisson(np.minimum(phi * n, 1e7)))
    return np.stack(counts, axis=1).astype(float)


# An autoregression seen under noise ----------------------------------------------------


def autoregression(phi, q, r, m, rng, n_times):
    """Of first order, about a level, under noise."""
    z = q / np.sqrt(1 - phi**2) * rng.standard_normal(len(phi))
    series = np.empty((len(phi), n_times))
    for t in range(n_times):
        z = phi * z + q * rng.standard_normal(len(phi))
        series[:, t] = m + z + r * rng.standard_normal(len(phi))
    return series


def kalman_log_density(unit, series):
    """Exact log density of one series, at rows of normal coordinates."""
    phi, q, r, m = (
        prior.ppf(norm.cdf(np.clip(column, -8, 8)))
        for prior, column in zip(AUTOREGRESSION.priors.values(), unit.T, strict=True)
    )
    mean, variance, total = np.zeros(len(phi)), q**2 / (1 - phi**2), np.zeros(len(phi))
    for x in series:
        mean, variance = phi * mean, phi**2 * variance + q**2
        around, error = variance + r**2, x - m - mean
        total -= 0.5 * (np.log(2 * np.pi * around) + error**2 / around)
        mean, variance = mean + variance / around * error, variance * r**2 / around
    return total


def exact_posterior(series, mean, covariance, rng, n_draws=10_000, n_rounds=8):
    """Means and standard deviations by adaptive importance sampling; effective draws."""
    for _ in range(n_rounds):
        proposal = multivariate_t(mean, covariance, df=5, seed=rng)
        draws = proposal.rvs(n_draws)
        weights = kalman_log_density(draws, series) + norm.logpdf(draws).sum(axis=1)
        weights -= proposal.logpdf(draws)
        weights = np.where(np.isfinite(weights), weights, -np.inf)
        weights = np.exp(weights - logsumexp(weights))
        mean = weights @ draws
        covariance = (weights * (draws - mean).T) @ (draws - mean)
    return mean, np.sqrt(np.diag(covariance)), 1 / np.sum(weights**2)


# A community of four species, its logarithms a vector autoregression -------------------

SPECIES = 4
RATES = ("r0", "r1", "r2", "r3")
PAIRS = tuple(f"b{i}{j}" for i in range(SPECIES) for j in range(SPECIES))
NOISES = ("s0", "s1", "s2", "s3")
MATRIX = [[0.6, -0.3, 0.0, 0.1], [0.3, 0.5, -0.2, 0.0], [0, 0.2, 0.7, -0.2]]
MATRIX = np.array([*MATRIX, [-0.1, 0.0, 0.3, 0.4]])


def community(rng, n_times, **parameters):
    """Logarithms of numbers, of Gompertz growth."""
    rate, pairs, noise = (
        np.stack([parameters[name] for name in names], axis=1)
        for names in (RATES, PAIRS, NOISES)
    )
    pairs, z, series = pairs.reshape(-1, SPECIES, SPECIES), np.zeros(rate.shape), []
    for t in range(n_times + 30):
        drift = rate + np.einsum("nij,nj->ni", pairs, z)
        z = np.clip(drift + noise * rng.standard_normal(z.shape), -50, 50)
        if t >= 30:
            series.append(z)
    return np.stack(series, axis=1)


def community_exactly(series):
    """Least squares, which is maximum likelihood: rates, pairs and log noises."""
    design = np.column_stack([np.ones(len(series) - 1), series[:-1]])
    slopes = np.linalg.lstsq(design, series[1:], rcond=None)[0]
    residual = (series[1:] - design @ slopes).std(axis=0)
    return np.concatenate([slopes[0], slopes[1:].T.ravel(), np.log(residual)])


def community_values(parameters):
    """The same from a dictionary."""
    linear = [parameters[name] for name in (*RATES, *PAIRS)]
    return np.array([*linear, *(np.log(parameters[name]) for name in NOISES)])


# FitzHugh and Nagumo's neuron, without noise of its own --------------------------------


def neuron(a, b, c, v0, r0, rng, n_times, error=None, step=0.05):
    """Voltage and recovery, by Runge and Kutta's steps; error is of the measurement."""

    def slope(v, r):
        return c * (v - v**3 / 3 + r), -(v - a + b * r) / c

    v, r, seen = v0, r0, []
    for _ in range(n_times):
        seen.append(np.stack([v, r], axis=1))
        for _ in range(4):
            k1 = slope(v, r)
            k2 = slope(v + step / 2 * k1[0], r + step / 2 * k1[1])
            k3 = slope(v + step / 2 * k2[0], r + step / 2 * k2[1])
            k4 = slope(v + step * k3[0], r + step * k3[1])
            v, r = (
                np.clip(old + step / 6 * (p + 2 * q + 2 * s + u), -20, 20)
                for old, p, q, s, u in zip((v, r), k1, k2, k3, k4, strict=True)
            )
    seen = np.stack(seen, axis=1)
    if error is None:
        return seen
    return seen + error[:, None, None] * rng.standard_normal(seen.shape)


def neuron_exactly(series):
    """Nonlinear least squares from the truth, and the log of its residual."""
    start = [NEURON.truth[name] for name in ("a", "b", "c", "v0", "r0")]

    def errors(values):
        return (neuron(*values[:, None], None, len(series))[0] - series).ravel()

    fit = least_squares(errors, start)
    return np.array([*fit.x, 0.5 * np.log(np.mean(fit.fun**2))])


# Measles ---------------------------------------------------------------------------------


def epidemic(r0, latent, infectious, season, reported, error, rng, n_times):
    """Reported cases a week of an infection with seasons, after four years."""
    population, steps, births = 5e5, 7, 1 / 2600.0
    becoming, recovering = 1 / np.maximum(latent, 0.2), 1 / np.maximum(infectious, 0.2)
    well = population / np.maximum(r0, 1.05)
    exposed, ill, series = np.full(len(r0), 50.0), np.full(len(r0), 50.0), []

    def leave(number, rate):
        share = 1 - np.exp(-rate / steps)
        spread = np.sqrt(number * share * (1 - share) + 1e-9)
        return np.clip(rng.normal(number * share, spread), 0, number)

    for t in range(n_times + 208):
        cases = np.zeros(len(r0))
        for step in range(steps):
            wave = 1 + season * np.cos(2 * np.pi * (t + step / steps) / 52)
            force = r0 * (recovering + births) * wave * (ill + 1) / population
            caught, broke = leave(well, force), leave(exposed, becoming)
            cured = leave(ill, recovering)
            well = well + births / steps * (population - well) - caught
            exposed, ill = exposed + caught - broke, ill + broke - cured
            cases += cured
        if t >= 208:
            mean = reported * cases
            spread = np.sqrt(mean * (1 - reported) + (error * mean) ** 2 + 0.25)
            series.append(np.maximum(np.round(rng.normal(mean, spread)), 0))
    return np.stack(series, axis=1)


# Small ones ------------------------------------------------------------------------------


def squared(a, rng, n_times):
    """An autoregression whose slope is a squared, so that a and -a are as likely."""
    x, series = np.zeros(len(a)), np.empty((len(a), n_times))
    for t in range(n_times):
        x = 0.45 * a**2 * x + rng.standard_normal(len(a))
        series[:, t] = x
    return series


def wave(frequency, rng, n_times):
    """A cosine of any phase under noise."""
    phase = rng.uniform(0, 2 * np.pi, len(frequency))
    angle = 2 * np.pi * frequency[:, None] * np.arange(n_times) + phase[:, None]
    return np.cos(angle) + 0.5 * rng.standard_normal(angle.shape)


def ignoring(level, nothing, rng, n_times):
    """One of two parameters is not used."""
    return level[:, None] + rng.standard_normal((len(level), n_times))


RICKER = Task(
    ricker,
    50,
    {"r": np.exp(3.8), "sigma": 0.3, "phi": 10.0},
    about(r=(30, 0.8), sigma=(0.3, 0.6), phi=(8, 0.6)),
)
PREDATORS = Task(plot_predators.predators, 21, plot_predators.TRUTH, plot_predators.PRIORS)
BLOWFLIES = Task(plot_blowflies.blowflies, 180, plot_blowflies.TRUTH, plot_blowflies.PRIORS)
CELL = Task(
    plot_hodgkin_huxley.neuron,
    1000,
    {name: values[0] for name, values in plot_hodgkin_huxley.PARAMETERS.items()},
    plot_hodgkin_huxley.PRIORS,
)
AUTOREGRESSION = Task(
    autoregression,
    200,
    {"phi": 0.9, "q": 0.5, "r": 0.7, "m": 1.0},
    {"phi": uniform(0, 0.999), **about(q=(0.6, 0.7), r=(0.6, 0.7)), "m": norm(0, 2)},
)
COMMUNITY = Task(
    community,
    150,
    {
        **dict(zip(RATES, (0.5, -0.3, 0.2, 0.4), strict=True)),
        **dict(zip(PAIRS, MATRIX.ravel(), strict=True)),
        **dict(zip(NOISES, (0.3, 0.4, 0.3, 0.2), strict=True)),
    },
    {
        **{name: norm(0, 0.5) for name in RATES},
        **{name: norm(0.3 * (name[1] == name[2]), 0.3) for name in PAIRS},
        **{name: lognorm(0.5, scale=0.5) for name in NOISES},
    },
)
NEURON = Task(
    neuron,
    100,
    {"a": 0.2, "b": 0.2, "c": 3.0, "v0": -1.0, "r0": 1.0, "error": 0.1},
    {
        **{"a": norm(0.5, 0.4), "b": norm(0.5, 0.4), "c": lognorm(0.5, scale=2)},
        **{"v0": norm(0, 1), "r0": norm(0, 1), "error": lognorm(0.7, scale=0.3)},
    },
)
EPIDEMIC = Task(
    epidemic,
    260,
    {
        **{"r0": 17.0, "latent": 8 / 7, "infectious": 1.0, "season": 0.25},
        **{"reported": 0.5, "error": 0.15},
    },
    {
        **about(r0=(10, 0.5), latent=(1, 0.4), infectious=(1, 0.4)),
        **{"season": beta(2, 9), "reported": beta(2.2, 4.6)},
        **about(error=(0.3, 0.6)),
    },
)
STIFF = Task(plot_stiff.reactions, 0, plot_stiff.TRUTH, plot_stiff.PRIORS)


def stiff_exactly(series):
    """Nonlinear least squares from the centre of the prior: values, cost, solutions."""
    start = np.log([prior.median() for prior in plot_stiff.PRIORS.values()])

    def errors(logs):
        return (plot_stiff.solved(*np.exp(logs)) - series).ravel() / plot_stiff.NOISE

    fit = least_squares(errors, start, diff_step=0.01)
    return np.exp(fit.x), fit.cost, fit.nfev * (1 + len(start))
