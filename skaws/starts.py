"""Starts near the rows: the one place where params are moved before they are learnt."""

import numpy as np
from scipy.optimize import least_squares

from .moments import column_moments
from .simulations import draw
from .spaces import Space

__all__ = ["nearer_start"]

FAR = 3.0  # deviations between means
N_SIMULATIONS = 500
N_MOST = 50  # params: each is moved by itself
N_TRIES = 100
STEP = 1e-3  # in real coordinates, relative where these are large
UNUSABLE = 1e6  # deviations: of params whose simulations fail


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
