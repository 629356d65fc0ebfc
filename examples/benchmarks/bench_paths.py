"""AmortisedLearner on series: a state space model, beside exact answers.

Run with ``make bench-paths``.  The model is written as three functions, and of parts
(:class:`skaws.models.StateSpaceModel`), where each column has a mean, too.  Fits are by
default settings, of 50 series of five columns, two latents a time; maximum likelihood is
found by L-BFGS on the exact likelihood, from the truth, without such means.  Columns of the
table:

- seconds of the fit, the processor's, and by the clock in brackets;
- how far 200 series that were held out have a lower log-likelihood, exact, at what was
  learnt than at maximum likelihood, in nats a series (and the start before the fit);
- the mean log-likelihood that the learner says of them, less the exact one, in nats a
  series, and the standard deviation of that over series;
- share of draws that count in importance sampling, the median of 50 series;
- distance of ``transform`` from the exact posterior mean, in posterior standard
  deviations, root mean square.
"""

import argparse
from time import perf_counter, process_time

import numpy as np
from path_models import (
    log_marginal,
    maximum_likelihood,
    params_of_parts,
    series,
    smoothed,
    state_space,
    state_space_of_parts,
)
from scipy.special import logsumexp

from skaws import AmortisedLearner
from skaws.evaluation.marginal import weighted_draws

N_DRAWS = 400
# How the model is written: what makes it, and its params as those of the functions with
# the mean of a time.
MODELS = {
    "functions": (state_space, lambda params: (params, 0.0)),
    "parts": (state_space_of_parts, params_of_parts),
}
HEADER = (
    "model     times seed    seconds (clock)   behind maximum likelihood (start)   "
    "score - exact (sd)   draws that count   distance of means"
)


def share_of_draws(learner, X):
    """Share of draws that count, the median over rows."""
    posterior, params = learner._posterior, learner.params_
    _, log_weights = weighted_draws(learner.model, params, X, N_DRAWS, posterior)
    log_number = 2 * logsumexp(log_weights, axis=0) - logsumexp(2 * log_weights, axis=0)
    return np.median(np.exp(log_number)) / N_DRAWS


def distance_of_means(learner, X, exact):
    """Root mean square of errors of `transform`, in posterior standard deviations."""
    mean, covariance = exact
    error = (learner.transform(X) - mean.reshape(len(X), -1)) / np.sqrt(np.diag(covariance))
    return np.sqrt(np.mean(error**2))


def centre_of(mean, X):
    """The mean of a time, at all times: one number a column of X."""
    return np.tile(mean, X.shape[1] // np.size(mean))


def row(kind, n_times, seed, **options):
    """Print a row of the table; return how far behind maximum likelihood the fit is."""
    params, X, held_out = series(seed, n_times)
    make, plain = MODELS[kind]
    model = make(n_times)
    start = model.init_params(X, np.random.default_rng(seed))
    best = maximum_likelihood(X, n_times, params)
    cpu, clock = process_time(), perf_counter()
    learner = AmortisedLearner(model, random_state=seed, **options).fit(X)
    cpu, clock = process_time() - cpu, perf_counter() - clock
    at_best = log_marginal(best, held_out, n_times)
    found, mean = plain(learner.params_)
    at_start, exact = (
        log_marginal(own, held_out - centre_of(own_mean, held_out), n_times)
        for own, own_mean in (plain(start), (found, mean))
    )
    behind, before = np.mean(at_best - exact), np.mean(at_best - at_start)
    first = held_out[:50]
    smooth = smoothed(found, first - centre_of(mean, first), n_times)
    error = learner.score_samples(held_out[:50]) - exact[:50]
    print(
        f"{kind:9s} {n_times:5d} {seed:4d}   {cpu:6.1f} s ({clock:6.1f})   {behind:22.3f} "
        f"({before:7.1f})   {np.mean(error):+13.3f} ({np.std(error):.3f})   "
        f"{share_of_draws(learner, held_out[:50]):16.2f}   "
        f"{distance_of_means(learner, held_out[:50], smooth):17.3f}",
        flush=True,
    )
    return behind


def run(n_times=(20, 100), seeds=(0, 1, 2), models=tuple(MODELS), **options):
    """Print the table; return nats a series behind maximum likelihood, row by row."""
    print(HEADER)
    return [
        row(kind, n, seed, **options) for n in n_times for kind in models for seed in seeds
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--models", nargs="+", default=[*MODELS], choices=MODELS)
    arguments = parser.parse_args()
    run(arguments.times, arguments.seeds, arguments.models)
