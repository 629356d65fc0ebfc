"""Whether a fitted model suits the rows: questions that any model can be asked."""

import warnings

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import pinvh
from scipy.sparse import issparse
from scipy.special import gammaln, xlogy
from scipy.stats import norm, rankdata
from sklearn.utils.validation import check_is_fitted

from ..evaluation import log_marginal_likelihood
from ..likelihoods import Bernoulli
from ..moments import column_moments, column_units
from ..simulations import draw
from .report import Finding, ModelCheckError, Report

__all__ = [
    "check_fit",
    "surprise",
    "vanished_noise",
    "warn_of_misfit",
    "warn_of_vanished_noise",
]

N_SIMULATIONS = 1000
N_COMPARED = 300  # rows
CLOSE = 0.1  # nats a row: what is said of a likelihood by draws is no better

# Rows that the fitted model drew itself have a surprise of mean zero and standard deviation
# ``1.02 * sqrt(1 / 300 + 1 / 1000)``, 0.07, less what a fit gains on its own rows.  Noise:
# 0.012 at least in healthy fits, 9e-4 at most where it was gone (``make bench-misfits``).
SURPRISING = 1.0  # standard deviations
VANISHED = 1e-3  # of the standard deviation of a column


def check_fit(estimator, X: ArrayLike, *, given: ArrayLike | None = None):
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
        deviation in the mean of their ranks; if noise "has vanished", to less than a
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
    likely, better = against_rows_and_columns(model, params, rows, posterior)
    return likely, noise_left(model, params, rows), better


def against_rows_and_columns(model, params, rows, posterior):
    """Whether rows surprise the model, and are likelier than columns: two findings."""
    some = representative_rows(rows)
    try:
        with np.errstate(all="ignore"):
            own = log_marginal_likelihood(model, params, some, posterior=posterior)
    except NotImplementedError:
        own = None
    with np.errstate(all="ignore"):  # what is not finite is looked after
        surprised = surprise(model, params, some, posterior, own)
    likely = Finding(
        "real rows are as likely as simulated ones",
        surprised <= SURPRISING,
        f"the ranks of their log densities lie {surprised:.3g} standard deviations below "
        "those of simulated rows",
    )
    return likely, better_than_columns(model, some, own)


def noise_left(model, params, rows):
    """Whether noise has vanished: a finding."""
    with np.errstate(all="ignore"):
        column, noise = vanished_noise(model, params, rows)
    detail = (
        "no column is explained without error"
        if column is None
        else f"{noise:.2g} of the standard deviation of column {column} of X"
    )
    return Finding("noise has not vanished", column is None, detail)


def warn_of_misfit(model, params, rows: np.ndarray, posterior, name: str):
    """Warn of rows that the model finds unlikely, or less likely than columns do.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict
        What was fitted.
    rows : array of shape (m, n_features)
        Real rows, NaN where missing.
    posterior : FittedPosterior
        Of the latents.
    name : str
        Of the estimator.
    """
    try:
        likely, better = against_rows_and_columns(model, params, rows, posterior)
    except (np.linalg.LinAlgError, FloatingPointError, ValueError) as error:
        warnings.warn(
            f"{name}: whether the model suits the rows could not be checked ({error}). "
            "Compare sample with X.",
            UserWarning,
            stacklevel=5,
        )
        return
    if not better.holds:
        warnings.warn(
            f"{name}: rows are less likely than under independent columns without any "
            f"latents: {better.detail}. The fit is far from a maximum, or the model cannot "
            "describe the rows. Compare sample with X; standardise columns, take more "
            "iterations or several starts (n_init), or another likelihood or prior.",
            UserWarning,
            stacklevel=5,
        )
    if not likely.holds:
        warnings.warn(
            f"{name}: real rows lie far from simulated ones: {likely.detail}; near a "
            "maximum the two agree. The fit ran away or came to no rest, or rows scatter "
            "more widely than the model can say. Compare sample with X, lower "
            "learning_rate, give columns that differ in scale the same one, or take a "
            "likelihood of heavier tails.",
            UserWarning,
            stacklevel=5,
        )


def warn_of_vanished_noise(model, params, rows, name):
    """Warn of a column that is explained without error."""
    noise = noise_left(model, params, rows)
    if not noise.holds:
        warnings.warn(
            f"{name}: the noise has collapsed, to {noise.detail}; the likelihood may have "
            "no maximum. Bound it from below (floor), take fewer latents, or drop columns "
            "that follow from others.",
            UserWarning,
            stacklevel=6,
        )


def better_than_columns(model, rows, own):
    """Whether rows are at least as likely as under independent columns: a Finding.

    Columns have the family of the model's likelihood, and one variance where it has one; of
    a model that does not say, the least likely that could be meant.  Columns are fitted to
    these very rows, by two numbers at most each, which is allowed for.  `own` is the
    model's log likelihood of each row, None where it has none.
    """
    law = "rows are likelier than under independent columns"
    seen = rows[:, : rows.shape[1] - model.n_given]
    of_columns = independent_columns(getattr(model, "likelihood", None), seen)
    if of_columns is None:
        return Finding(law, True, "no such columns would give these rows")
    if own is None:
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
    mean = column_moments(X)[0]
    if isinstance(likelihood, Bernoulli):
        return np.nansum(xlogy(X, mean) + xlogy(1 - X, 1 - mean), axis=1)
    return np.nansum(xlogy(X, mean) - mean - gammaln(X + 1), axis=1)


def representative_rows(X):
    """At most `N_COMPARED` rows, evenly spaced."""
    index = np.linspace(0, len(X) - 1, min(len(X), N_COMPARED)).astype(int)
    return X[index]


def surprise(model, params, rows, posterior=None, own: np.ndarray | None = None) -> float:
    """How far log densities of real rows rank below those of simulated ones.

    The chance that a simulated row is likelier than a real one, less ties (Mann and
    Whitney, 1947), as the distance of two Gaussians in their standard deviations: outliers
    count as single rows.  Densities come from the posterior of all answers; where they are
    not known, from a Gaussian with the moments of simulated rows.

    Parameters
    ----------
    model, params, rows, posterior
        What was fitted, to which rows, and the posterior of the latents.
    own : array of shape (m,), default=None
        Log likelihood of each row, where it is at hand.

    Returns
    -------
    surprise : float
        Zero in the mean for rows of the model itself.
    """
    rng = np.random.default_rng(0)
    simulated = draw(model, params, N_SIMULATIONS, rng, rows)[1]
    try:
        if own is None:
            own = log_marginal_likelihood(model, params, rows, posterior=posterior)
        other = log_marginal_likelihood(model, params, simulated, posterior=posterior)
    except NotImplementedError:
        log_density = gaussian_log_density(simulated)
        other = draw(model, params, N_SIMULATIONS, rng, rows)[1]  # not those of the moments
        own, other = log_density(rows), log_density(other)
    values = np.nan_to_num(np.concatenate([other, own]), nan=-np.inf)
    ranks = rankdata(values)[len(other) :]
    n_pairs = len(own) * len(other)
    below = n_pairs - (np.sum(ranks) - len(own) * (len(own) + 1) / 2)
    chance = (below + 0.5) / (n_pairs + 1)  # never none
    return float(np.sqrt(2) * norm.ppf(chance))


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
