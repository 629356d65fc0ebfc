"""Whether a fitted model suits the rows: two questions that any model can be asked."""

import warnings

import numpy as np
from scipy.linalg import pinvh
from scipy.sparse import issparse
from scipy.special import logsumexp
from sklearn.utils.validation import check_is_fitted

from ..moments import column_moments, column_units
from ..posteriors import LinearGaussian, Ridge
from ..simulations import draw, simulate
from ..spaces import rows_of
from .report import Finding, ModelCheckError, Report

__all__ = ["check_fit", "surprise", "vanished_noise", "warn_of_misfit"]

N_SIMULATIONS = 1000
N_DRAWN = 20  # of the latents of a row

# Measured by ``make bench-misfits`` in 206 fits of 15 models of all methods.  Surprise: at
# most 1 in all but 3 of 120 healthy fits (1.06 to 1.44 in these: tails heavier than the
# model's, an outlier).  Noise: 0.012 at least in healthy fits, 9e-4 at most where it was
# gone.  Where latents are only estimated, surprise does not see noise that is only wrong.
SURPRISING = 1.0  # standard deviations
VANISHED = 1e-3  # of the standard deviation of a column


def check_fit(estimator, X, *, given=None):
    """Test whether a fitted model suits rows X.

    Parameters
    ----------
    estimator : fitted estimator
        Any of the package's.
    X : array-like of shape (n_samples, n_features)
        Rows, of the fit or others.
    given : array-like of shape (n_samples, n_given), default=None
        Columns that an :class:`skaws.AmortisedLearner` was fitted with beside X.

    Returns
    -------
    report : Report
        Both laws hold; ``print`` it.

    Raises
    ------
    ModelCheckError
        If real rows "are less likely than simulated ones", by more than a standard
        deviation of these in the mean; or if noise "has vanished", to less than a
        thousandth of the standard deviation of a column. The message is the report.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skaws import AmortisedFactorAnalysis
    >>> X = load_iris().data
    >>> model = AmortisedFactorAnalysis(n_components=1, random_state=0).fit(X)
    >>> all(finding.holds for finding in check_fit(model, X).findings)
    True
    """
    check_is_fitted(estimator)
    beside = {} if given is None else {"given": given}
    rows = estimator._rows(X, **beside)
    rows = rows.toarray() if issparse(rows) else np.asarray(rows, dtype=float)
    parts = estimator._model, estimator.params_, rows
    report = Report(
        type(estimator).__name__, findings(*parts, estimator._posterior), "check_fit"
    )
    if not all(finding.holds for finding in report.findings):
        raise ModelCheckError(report)
    return report


def findings(model, params, rows, posterior):
    """What the two laws found, in this order."""
    with np.errstate(all="ignore"):  # what is not finite is looked after
        surprised = surprise(model, params, rows, posterior)
        column, noise = vanished_noise(model, params, rows)
    detail = (
        f"their log density lies {surprised:.3g} standard deviations below that of "
        "simulated rows, in the mean"
    )
    likely = Finding(
        "real rows are as likely as simulated ones", surprised <= SURPRISING, detail
    )
    detail = (
        "no column is explained without error"
        if column is None
        else f"{noise:.2g} of the standard deviation of column {column} of X"
    )
    return likely, Finding("noise has not vanished", column is None, detail)


def warn_of_misfit(model, params, rows, name, posterior=None):
    """Warn of rows that the model finds unlikely, and of noise that has vanished.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict
        What was fitted.
    rows : array of shape (m, n_features)
        Real rows, NaN where missing.
    name : str
        Of the estimator.
    posterior : FittedPosterior, default=None
        Of the latents.
    """
    likely, noise = findings(model, params, rows, posterior)
    if not likely.holds:
        warnings.warn(
            f"{name}: real rows lie far from simulated ones: {likely.detail}; at a maximum "
            "in the model's scales the two agree. The fit ran away or came to no rest, or "
            "rows scatter more widely than the model can say. Compare sample with X, lower "
            "learning_rate, give columns that differ in scale the same one, or take a "
            "likelihood of heavier tails.",
            UserWarning,
            stacklevel=6,
        )
    if not noise.holds:
        warnings.warn(
            f"{name}: the noise has collapsed, to {noise.detail}; the likelihood may have "
            "no maximum. Bound it from below (floor), take fewer latents, or drop columns "
            "that follow from others.",
            UserWarning,
            stacklevel=6,
        )


def surprise(model, params, rows, posterior=None):
    """How far the log density of real rows lies below that of simulated ones.

    The difference of the means, in standard deviations of the simulated values.  Where the
    likelihood is stationary in the scales of a model, right or wrong, there is none.  Where
    the log density is not known the log joint at estimates of the latents will do, or a few
    draws: they are as rough for both.
    """
    rng = np.random.default_rng(0)
    space = None if posterior is None else posterior.space
    simulations = simulate(model, params, N_SIMULATIONS, rng, space, rows)
    log_density = rough_log_density(model, params, simulations, posterior, rng)
    fresh = simulate(model, params, N_SIMULATIONS, rng, simulations.space, rows)
    simulated, real = log_density(fresh.observations), log_density(rows)
    # At a rough estimate a density may be none: that counts as the least one simulated.
    known = simulated[np.isfinite(simulated)]
    least = known.min() if len(known) else 0.0
    simulated, real = (
        np.where(np.isfinite(values), values, least) for values in (simulated, real)
    )
    gap = np.mean(simulated) - np.mean(real)
    return float(np.nan_to_num(gap / np.std(simulated)))


def rough_log_density(model, params, simulations, posterior, rng):
    """Function from rows to about their log density, but for a constant."""
    if hasattr(posterior, "log_marginal"):
        return posterior.log_marginal
    if simulations.space.alphabets or not simulations.space.has_coordinates:
        return gaussian_log_density(simulations.observations)
    if LinearGaussian().suits(model, params, simulations.space):
        fitted = LinearGaussian().fit(model, params, simulations, rng)
        return lambda X: model.log_joint(params, fitted.mean(X), X)
    fitted = Ridge().fit(model, params, simulations, rng)
    return lambda X: importance_log_density(model, params, X, fitted)


def importance_log_density(model, params, X, posterior):
    """Log density of each row by a few draws: at one there may be none."""
    rng = np.random.default_rng(0)
    draws, log_prob = posterior.sample(X, N_DRAWN, rng, common=True)
    log_joints = [model.log_joint(params, rows_of(draws, i), X) for i in range(N_DRAWN)]
    return logsumexp(np.nan_to_num(log_joints, nan=-np.inf, neginf=-np.inf) - log_prob, 0)


def gaussian_log_density(observations):
    """That of a Gaussian with the moments of simulated rows, but for a constant.

    Entries that are missing or not finite are taken for the mean.
    """
    mean, scale = column_units(observations)

    def scaled(X):
        return np.nan_to_num((X - mean) / scale, posinf=0.0, neginf=0.0)

    rows = scaled(observations)
    precision = pinvh(rows.T @ rows / len(rows))
    return lambda X: -0.5 * np.sum(scaled(X) @ precision * scaled(X), axis=1)


def vanished_noise(model, params, rows):
    """A column in which the model leaves next to no noise, and how much.

    The log joint of simulated pairs tells: to move an entry by h from where it was
    simulated costs ``h**2 / (2 noise_variance)``, in the mean of both directions.  What
    it costs to move a whole block of columns tells where to look.  Columns of whole
    numbers are left out: their log joint need not be smooth.  An entry of a positive column
    is moved by a share of itself where that is less: noise may be in proportion to it.

    Returns
    -------
    column : int or None
        None if there is no such column.
    noise : float
        Deviation of its noise relative to that of the rows (or to entries, if less).
    """
    pairs = draw(model, params, N_SIMULATIONS, np.random.default_rng(0), complete(rows))
    deviation, observations = column_moments(rows)[1], pairs[1]
    positive = np.all(observations > 0, axis=0)
    unit = np.where(positive, np.minimum(deviation, observations), deviation)

    def search(columns):
        step = np.zeros(unit.shape)
        step[:, columns] = VANISHED * unit[:, columns]
        cost = cost_of_moving(model, params, pairs, step)
        if cost <= 0.5:  # no column of the block costs more
            return None, np.inf
        if len(columns) == 1:
            return int(columns[0]), float(VANISHED / np.sqrt(2 * cost))
        halves = np.array_split(columns, 2)
        found = search(halves[0])
        return search(halves[1]) if found[0] is None else found

    looked_at = (deviation > 0) & np.any(observations != np.round(observations), axis=0)
    n_modelled = observations.shape[1] - model.n_given  # given columns have no noise
    return search(np.flatnonzero(looked_at[:n_modelled]))


def cost_of_moving(model, params, pairs, step):
    """How far the log joint falls when observations move by `step` or its opposite.

    Noise may be small for some latents only, such as one class of several: the larger of
    the mean and of what one pair in fifty exceeds.
    """
    latents, observations = pairs
    here, up, down = (
        model.log_joint(params, latents, observations + move) for move in (0, step, -step)
    )
    fall = here - 0.5 * (up + down)
    fall = fall[np.isfinite(fall)]
    return max(np.mean(fall), np.quantile(fall, 0.98)) if len(fall) else 0.0


def complete(rows):
    """Real rows without holes, whose given columns simulated rows are to have."""
    return np.nan_to_num(rows)
