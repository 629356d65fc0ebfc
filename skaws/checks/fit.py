"""Whether a fitted model suits the rows: questions that any model can be asked."""

import warnings

import numpy as np
from scipy.linalg import pinvh
from scipy.sparse import issparse
from scipy.special import gammaln, logsumexp, xlogy
from scipy.stats import norm
from sklearn.utils.validation import check_is_fitted

from ..evaluation import log_marginal_likelihood
from ..likelihoods import Bernoulli
from ..moments import column_moments, column_units
from ..posteriors import LinearGaussian, Ridge
from ..simulations import draw, simulate
from ..spaces import rows_of
from .report import Finding, ModelCheckError, Report

__all__ = [
    "check_fit",
    "surprise",
    "vanished_noise",
    "warn_of_misfit",
    "warn_of_worse_than_columns",
]

N_SIMULATIONS = 1000
N_COMPARED = 300  # rows, with independent columns
CLOSE = 0.1  # nats a row: what is said of a likelihood by draws is no better
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
        All laws hold; ``print`` it.

    Raises
    ------
    ModelCheckError
        If real rows "are less likely than simulated ones", by more than a standard
        deviation of these in the mean; if noise "has vanished", to less than a
        thousandth of the standard deviation of a column; or if rows are not "likelier than
        under independent columns". The message is the report.

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
    """What the laws found: surprise, noise, independent columns."""
    with np.errstate(all="ignore"):  # what is not finite is looked after
        first = own_scales(model, params, rows, posterior)
    return *first, better_than_columns(model, params, rows, posterior)


def own_scales(model, params, rows, posterior):
    """Whether rows surprise the model, and noise has vanished: two findings."""
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
    noisy = Finding("noise has not vanished", column is None, detail)
    return likely, noisy


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
    with np.errstate(all="ignore"):
        likely, noise = own_scales(model, params, rows, posterior)
    warn_of_worse_than_columns(model, params, rows, posterior, name)
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


def warn_of_worse_than_columns(model, params, rows, posterior, name):
    """Warn if `rows` are less likely than under independent columns."""
    better = better_than_columns(model, params, rows, posterior)
    if not better.holds:
        warnings.warn(
            f"{name}: rows are less likely than under independent columns without any "
            f"latents: {better.detail}. The fit is far from a maximum, or the model cannot "
            "describe the rows. Compare sample with X; standardise columns, take more "
            "iterations or several starts (n_init), or another likelihood or prior.",
            UserWarning,
            stacklevel=6,
        )


def better_than_columns(model, params, rows, posterior):
    """Whether rows are at least as likely as under independent columns: a Finding.

    Columns have the family of the model's likelihood, and one variance where it has one; of
    a model that does not say, the least likely that could be meant.  Columns are fitted to
    these very rows, by two numbers at most each, which is allowed for.
    """
    law = "rows are likelier than under independent columns"
    rows = representative_rows(rows)
    seen = rows[:, : rows.shape[1] - model.n_given]
    of_columns = independent_columns(getattr(model, "likelihood", None), seen)
    if of_columns is None:
        return Finding(law, True, "no such columns would give these rows")
    try:
        with np.errstate(all="ignore"):
            own = log_marginal_likelihood(model, params, rows, posterior=posterior)
    except NotImplementedError:
        return Finding(law, True, "the likelihood is not known")
    gap = float(np.mean(of_columns) - np.mean(own))
    allowed = CLOSE + 2 * seen.shape[1] / len(seen)
    detail = f"by {abs(gap):.3g} nats a row they are {'less' if gap > 0 else 'more'} likely"
    return Finding(law, bool(gap <= allowed), detail)  # a gap that is none does not hold


def independent_columns(likelihood, X):
    """Log likelihood of each row, observed entries alone; None where it has none."""
    counts = None
    if likelihood is not None:
        counts = likelihood.counts or isinstance(likelihood, Bernoulli)
    per_feature = getattr(likelihood, "per_feature", False)
    whole = np.nanmin(X, initial=0.0) >= 0 and not np.any(X % 1 > 0)
    if counts and not whole:
        return None
    if counts:
        return columns_of_counts(likelihood, X)
    gaussian = gaussian_columns(X, per_feature)
    if counts is None and whole:  # a density, or chances of whole numbers
        return min(gaussian, columns_of_counts(likelihood, X), key=np.mean)
    return gaussian


def gaussian_columns(X, per_feature):
    """Log density under independent Gaussian columns; of those that vary."""
    mean, deviation = column_moments(X)
    X, mean, deviation = (part[..., deviation > 0] for part in (X, mean, deviation))
    if not per_feature and len(deviation):
        deviation = np.sqrt(np.mean(deviation**2))
    return np.nansum(norm.logpdf(X, mean, deviation), axis=1)


def columns_of_counts(likelihood, X):
    """Log probability under independent Bernoulli or Poisson columns."""
    mean = np.nanmean(X, axis=0)
    if isinstance(likelihood, Bernoulli):
        return np.nansum(xlogy(X, mean) + xlogy(1 - X, 1 - mean), axis=1)
    return np.nansum(xlogy(X, mean) - mean - gammaln(X + 1), axis=1)


def representative_rows(X):
    """At most `N_COMPARED` rows, evenly spaced."""
    index = np.linspace(0, len(X) - 1, min(len(X), N_COMPARED)).astype(int)
    return X[index]


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
