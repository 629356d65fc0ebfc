"""Do AmortisedLearner's warnings tell fits that failed from fits that did not?

Run with ``make bench-misfits``.  Models of all methods are fitted to tables that suit them
or not and to rows of their own, at the method's learning rate and at ten times that, for a
third of its iterations; a quarter of the rows is held out.  What failed is decided
without the criteria that are judged: by the noise that the params say, and by
log-likelihood, beside a Gaussian's or, for rows of the model, that of the true params.
"""

import argparse
import sys
import warnings
from copy import deepcopy
from functools import partial
from typing import NamedTuple

import numpy as np
from learner_peers import log_likelihood_of_factors, log_likelihood_of_times
from misfit_models import GRIDS, MODELS, OUTLIER, tables_of
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.covariance import LedoitWolf

from skaws import AmortisedLearner
from skaws.checks.fit import VANISHED, cost_of_moving, surprise
from skaws.evaluation import log_marginal_likelihood
from skaws.methods import choose_method
from skaws.moments import column_moments

OWN = "its own"
N_SCORED = 60  # rows of either kind
NEAR, FAR = 2.0, 10.0  # nats a row
DEFINITIONS = """
Failed: noise below 0.001 of a column's standard deviation, by location or by the params;
figures that are not finite; or rows fitted that are less likely than at the start, and by
10 nats a row than under the Gaussian (or the truth).  Healthy: none of this; on rows fitted
and held out no more than 2 nats a row below the Gaussian (or the truth), nor below the
model's best fit to the rows; and at rest: twice or half the noise gains no more than 0.1
nats."""
WARNINGS = {
    "real rows lie far": "far",
    "noise has collapsed": "collapsed",
}


class Fit(NamedTuple):
    """What one fit came to."""

    model: str
    table: str
    rate: int  # times the method's
    seed: int
    method: str
    surprise: float
    criterion: float  # least noise by the cost of moving, relative to the column's
    noise: float  # the same by the params
    score: np.ndarray  # nats a row, of rows fitted and rows held out
    reference: np.ndarray  # a Gaussian's, or the true params'
    start: np.ndarray  # the start's
    gain: float  # on rows fitted, by twice or half the noise
    warned: list


# %%
# One fit
# -------


def rows_of(name, table, seed):
    """Real rows, or rows of the model and their true params (None for others)."""
    model, rng = MODELS[name], np.random.default_rng(seed)
    of_itself = table == OWN
    X = next(iter(tables_of(name).values()))() if of_itself else tables_of(name)[table]()
    if name == "waiting":
        X = X[:, :1] - X[:, :1].min()
    if not of_itself:
        X = X[rng.permutation(len(X))]
        X[0] *= 100 if table == OUTLIER else 1
        return X, None
    truth = model.init_params(X, rng)
    truth = with_noise(truth, 0.5)
    return model.sample(truth, 600, rng)[1], truth


def with_noise(params, factor):
    """A copy with so many times the standard deviation of the noise, if it has one."""
    changed = deepcopy(params)
    for level in (changed, changed.get("likelihood", {})):
        for name, power in {"sd": 1, "scale": 1, "noise_variance": 2}.items():
            if name in level:
                level[name] = factor**power * level[name]
    return changed


def log_likelihood(name, params, X):
    """Nats a row: exact, by a sum over a grid, or by importance sampling."""
    model = MODELS[name]
    if name == "waiting":
        return log_likelihood_of_times(params["rate"], params["sd"], X)
    if name in GRIDS:
        grid, volume = GRIDS[name]
        joint = [model.log_joint(params, grid, np.tile(x, (len(grid), 1))) for x in X]
        return np.mean(logsumexp(joint, axis=1)) + np.log(volume)
    try:
        if name == "dictionary":
            return log_likelihood_of_factors(params, X)
        return np.mean(log_marginal_likelihood(model, params, X))
    except (np.linalg.LinAlgError, ValueError):  # of what is not finite
        return np.nan


def gaussian(train):
    """The same of a Gaussian with a shrunken covariance: a function of rows."""
    mean, scale = train.mean(axis=0), column_moments(train)[1]
    scale = np.where(scale > 0, scale, 1.0)
    fitted = LedoitWolf().fit((train - mean) / scale)
    density = multivariate_normal(fitted.location_, fitted.covariance_)
    return lambda X: np.mean(density.logpdf((X - mean) / scale)) - np.sum(np.log(scale))


def noise_of(model, params, sd):
    """Least standard deviation of the noise: by the cost of moving, by the params."""
    pairs = model.sample(params, 1000, np.random.default_rng(0))
    if np.all(pairs[1] == np.round(pairs[1])):
        return np.inf, np.inf
    varies = sd > 0
    steps = VANISHED * np.diag(sd)[varies]
    cost = max(cost_of_moving(model, params, pairs, step) for step in steps)
    criterion = VANISHED / np.sqrt(2 * cost) if cost > 0 else np.inf
    if "sd" in params:
        noise = params["sd"] * np.ones(len(sd))
    else:
        error = pairs[1] - model.location(params, pairs[0])
        noise = 1.48 * np.median(np.abs(error), axis=0)
    return criterion, np.min((noise / np.where(varies, sd, 1.0))[..., varies])


def fitted(name, table, rate, seed):
    """A fit and all that is asked of it."""
    model, (X, truth) = MODELS[name], rows_of(name, table, seed)
    train, test = np.split(X, [3 * len(X) // 4])
    start = model.init_params(train, np.random.default_rng(seed))
    method = choose_method(model, start)
    learner = AmortisedLearner(
        model,
        learning_rate=rate * method.learning_rate,
        max_iter=method.max_iter // 3,
        random_state=seed,
    )
    warned = warnings_of(learner, train)
    params, of = learner.params_, partial(partial, log_likelihood, name)
    reference = gaussian(train) if truth is None else of(truth)
    others = [with_noise(params, factor) for factor in (0.5, 2.0)]
    with np.errstate(all="ignore"):
        surprised = surprise(model, params, train, learner._posterior)
        found, known, first = (
            np.array([score(rows[:N_SCORED]) for rows in (train, test)])
            for score in (of(params), reference, of(start))
        )
        gain = max(of(other)(train[:N_SCORED]) for other in others) - found[0]
        return Fit(
            *(name, table, rate, seed, method.name, surprised),
            *noise_of(model, params, column_moments(train)[1]),
            *(found, known, first, gain),
            warned,
        )


def warnings_of(learner, X):
    """The warnings of a fit, in a word each."""
    words = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            learner.fit(X)
        except FloatingPointError:
            words = ["error"]
    return words + [
        word for text, word in WARNINGS.items() if text in str(list(map(str, caught)))
    ]


# %%
# All fits
# --------


def cases(names, n_seeds):
    """Name, table, multiple of the learning rate and seed of each fit."""
    for name in names:
        for table in (OWN, *tables_of(name)):
            for seed in range(n_seeds if table == OWN else 1):
                yield from ((name, table, rate, seed) for rate in (1, 10))


def show(fit):
    """Print a row of the table."""
    print(
        f"{fit.model:>18} {fit.table:>14} {fit.rate:2} {fit.seed} {fit.method:>11}",
        f"surprise {fit.surprise:8.3g} noise {fit.criterion:7.1e} ({fit.noise:7.1e})",
        "nats {:8.4g} {:8.4g} against {:6.1f} {:6.1f}".format(*fit.score, *fit.reference),
        f"start {fit.start[0]:8.4g} gain {fit.gain:5.2f} {', '.join(fit.warned)}",
        flush=True,
    )


def verdict(fit, best):
    """What a fit is, by DEFINITIONS, given the best of its model's on the same rows."""
    gap, figures = fit.reference - fit.score, (*fit.score, fit.surprise)
    lost = gap[0] > FAR and fit.score[0] < fit.start[0]
    if lost or fit.noise < VANISHED or not np.all(np.isfinite(figures)):
        return "failed"
    near = max(*gap, best - fit.score[0]) < NEAR and fit.gain < 0.1
    return "healthy" if near else "neither"


def summary(fits):
    """Whether warnings and verdicts agree."""
    by_rows, by_verdict = {}, {"failed": [], "healthy": [], "neither": []}
    for fit in fits:
        by_rows.setdefault((fit.model, fit.table, fit.seed), []).append(fit)
    for group in by_rows.values():
        best = np.nanmax([fit.score[0] for fit in group])
        for fit in group:
            by_verdict[verdict(fit, best)].append(fit)
    print(DEFINITIONS)
    healthy, failed = by_verdict["healthy"], by_verdict["failed"]
    vanished = [fit for fit in failed if fit.noise < VANISHED]
    lost = [fit for fit in failed if fit.noise >= VANISHED]
    extreme("healthy: largest surprise", max, healthy, "surprise")
    extreme("healthy: least noise", min, healthy, "criterion")
    extreme("failed, noise left: least surprise", min, lost, "surprise")
    extreme("failed, noise gone: most noise", max, vanished, "criterion")
    for name, group in by_verdict.items():
        n_warned = sum(bool(fit.warned) for fit in group)
        print(f"{name}: {len(group)} fits, {n_warned} with a warning of misfit or an error")
        for fit in group:
            if bool(fit.warned) != (name == "failed"):
                print("   ", label(fit), f"surprise {fit.surprise:.3g}", *fit.warned)


def label(fit):
    return f"{fit.model} on {fit.table}, rate x {fit.rate}, seed {fit.seed}"


def extreme(text, most, fits, field):
    """Print the largest or smallest of a figure, and whose it is."""
    if fits:
        fit = most(fits, key=lambda fit: getattr(fit, field))
        print(f"{text} {getattr(fit, field):.3g} ({label(fit)})")


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2, help="of rows of a model's own")
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    options = parser.parse_args(argv)
    fits = []
    for case in cases(options.models, options.seeds):
        fits.append(fitted(*case))
        show(fits[-1])
    summary(fits)


if __name__ == "__main__":
    main(sys.argv[1:])
