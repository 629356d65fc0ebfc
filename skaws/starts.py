"""Starts near the rows: params that are moved before they are learnt."""

import warnings

import numpy as np
from scipy.optimize import least_squares, nnls
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning

from .moments import column_moments
from .simulations import draw
from .spaces import Space

__all__ = ["line_start", "nearer_start", "unmixed_start"]

FAR = 3.0  # deviations between means
N_SIMULATIONS = 500
N_MOST = 50  # params: each is moved by itself
N_TRIES = 100
STEP = 1e-3  # in real coordinates, relative where these are large
UNUSABLE = 1e6  # deviations: of params whose simulations fail
N_UNMIXED = 20_000  # rows that FastICA looks at
N_PER_SOURCE = 10  # rows at least
SPARSE = 1.25  # mean fourth power of lengths of whitened rows, relative to a Gaussian's
OUTERMOST = 0.1  # of whitened rows: of sparse sources one alone is large there
N_LINES_TRIED = 20
N_PASSES = 30
SHARPNESS = 8  # power of the cosine by which lines are compared


def nearer_start(model, params, rows):
    """Params to start from: those given, or nearer ones if they simulate far from `rows`.

    At a far start neither simulations nor the posterior fitted to them say anything of real
    rows, and only a large noise brings the two together.  The means and deviations of
    simulated columns are then brought to those of real ones, by least squares with the same
    random numbers at all params.

    Parameters
    ----------
    model, params : GenerativeModel and nested dict of arrays
        Where a fit would start.
    rows : array of shape (m, n_features)
        Real rows, NaN where missing.

    Returns
    -------
    params : nested dict of arrays
        Those given, where they are near, cannot be moved by real coordinates, or are more
        than fifty.

    Examples
    --------
    >>> from skaws.models import FunctionModel
    >>> def sample(params, n_samples, rng):
    ...     z = params["level"] + rng.standard_normal((n_samples, 1))
    ...     return z, z + rng.standard_normal((n_samples, 2))
    >>> model = FunctionModel(sample, None, None)
    >>> X = sample({"level": 1000.0}, 500, np.random.default_rng(1))[1]
    >>> bool(abs(nearer_start(model, {"level": 0.0}, X)["level"] - 1000.0) < 0.2)
    True
    """
    space = Space(params, model.constraints)
    n_features = rows.shape[1] - model.n_given
    mean, deviation = (moment[:n_features] for moment in column_moments(rows))
    varies = deviation > 0
    mean, deviation = mean[varies], deviation[varies]

    def gaps(at):
        try:
            simulated = draw(
                model, space.unflatten(at), N_SIMULATIONS, np.random.default_rng(0), rows
            )[1]
        except (ValueError, FloatingPointError, OverflowError):
            return np.full(2 * len(mean), UNUSABLE)
        own_mean, own_deviation = column_moments(simulated[:, :n_features][:, varies])
        ratio = np.maximum(own_deviation / deviation, np.finfo(float).tiny)
        return np.concatenate([(own_mean - mean) / deviation, np.log(ratio)])

    def slopes(at):
        here = gaps(at)
        steps = STEP * np.maximum(1.0, np.abs(at))
        moved = [gaps(at + step) for step in np.diag(steps)]
        return np.transpose([m - here for m in moved]) / steps

    if not 0 < space.size <= N_MOST or not varies.any():
        return params
    start = space.flatten(params)
    with np.errstate(all="ignore"):
        far = gaps(start)
        if not is_far(far):
            return params
        found = least_squares(gaps, start, slopes, max_nfev=N_TRIES)
    return params if found.cost > 0.25 * np.sum(far**2) / 2 else space.unflatten(found.x)


def is_far(gaps):
    """Whether simulated rows hardly meet the real ones, in any column.

    Means tell: a shared noise is far from the deviations of some columns, and right.
    """
    shift, stretch = np.split(gaps, 2)
    return bool(np.any(np.abs(shift) > FAR * (1 + np.exp(stretch))))


def unmixed_start(params, rows, rng):
    """Params of a linear mixing, turned to the rotation that FastICA finds.

    It is found in whitened rows, and applied to the covariance that is left when the noise
    is taken out: of as little bias as FastICA itself has where there is no noise.

    Parameters
    ----------
    params : nested dict of arrays
        Of a :class:`skaws.models.LinearMixing` with no more sources than columns.
    rows : array of shape (m, n_features)
        Real rows; those with missing entries (NaN) are left out.
    rng : numpy.random.Generator
        Of rows, where there are many, and of FastICA's own start.

    Returns
    -------
    params : nested dict of arrays
        Those given, where complete rows are fewer than ten a source, or dependent.
    """
    basis = params["basis"]
    complete = np.flatnonzero(~np.isnan(rows).any(axis=1))
    if len(complete) < N_PER_SOURCE * len(basis):
        return params
    if len(complete) > N_UNMIXED:
        complete = np.sort(rng.choice(complete, N_UNMIXED, replace=False))
    latents = (rows[complete] - params["mean"]) @ np.linalg.pinv(basis)
    latents = latents - latents.mean(axis=0)
    variances, axes = np.linalg.eigh(np.atleast_2d(latents.T @ latents / len(latents)))
    if not variances[0] > 1e-12 * variances[-1]:
        return params
    white = latents @ (axes / np.sqrt(variances)) @ axes.T
    seed = int(rng.integers(2**31))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = FastICA(whiten=False, max_iter=200, tol=1e-3, random_state=seed).fit(white)
    left, _, right = np.linalg.svd(found.components_)
    return {**params, "basis": left @ right @ basis}


def line_start(params, rows, rng):
    """Params of a linear mixing of more sources than columns, along lines in the rows.

    Where sources are sparse, rows far out are made by one of them, and lie near a line
    through the mean.  Lines are found by k-means (Bofill & Zibulevsky, 2001), in whitened
    rows; how much each explains follows from the covariance.

    Parameters
    ----------
    params : nested dict of arrays
        Of a :class:`skaws.models.LinearMixing`.
    rows : array of shape (m, n_features)
        Real rows; those with missing entries (NaN) are left out.
    rng : numpy.random.Generator
        Of the starts of k-means.

    Returns
    -------
    params : nested dict of arrays
        Those given, where there are fewer than a hundred complete rows a source, they are
        dependent, or hardly further out than Gaussian ones.
    """
    n_lines = len(params["mixing"])
    away = rows[~np.isnan(rows).any(axis=1)] - params["mean"]
    if len(away) < N_PER_SOURCE * n_lines / OUTERMOST:
        return params
    variances, axes = np.linalg.eigh(away.T @ away / len(away))
    if not variances[0] > 1e-12 * variances[-1]:
        return params
    white = away @ (axes / np.sqrt(variances))
    lengths, d = np.linalg.norm(white, axis=1), white.shape[1]
    if not np.mean(lengths**4) > SPARSE * d * (d + 2):
        return params
    far = lengths > np.quantile(lengths, 1 - OUTERMOST)
    directions = white[far] / lengths[far, None]
    tries = (lines_of(directions, n_lines, rng) for _ in range(N_LINES_TRIED))
    _, lines = max(tries, key=lambda found: found[0])
    products = lines[:, :, None] * lines[:, None, :]
    shares = nnls(products.reshape(n_lines, -1).T, np.eye(d).ravel())[0]
    sizes = np.sqrt(np.maximum(shares, 0.1 / n_lines))
    basis = (sizes[:, None] * lines * np.sqrt(variances)) @ axes.T
    return {**params, "mixing": np.eye(n_lines), "basis": basis}


def lines_of(directions, n_lines, rng):
    """How close directions lie to the nearest of some lines, and these, (n_lines, d)."""
    lines = directions[[rng.integers(len(directions))]]
    while len(lines) < n_lines:  # as k-means++
        away = np.maximum(1 - np.max((directions @ lines.T) ** 2, axis=1), 1e-12)
        chosen = rng.choice(len(directions), p=away / away.sum())
        lines = np.vstack([lines, directions[chosen]])
    for _ in range(N_PASSES):
        nearest = np.argmax(np.abs(directions @ lines.T), axis=1)
        for j in range(n_lines):
            own = directions[nearest == j]
            if len(own):
                lines[j] = np.linalg.eigh(own.T @ own)[1][:, -1]
    closest = np.max(np.abs(directions @ lines.T), axis=1)
    return np.mean(closest**SHARPNESS), lines
