"""Posterior of paths: a chain of latents, from the observations around each time."""

import numpy as np

from ..moments import column_units
from ..spaces import Space, as_tree, leaves, map_leaves
from ..supports import Columns, Real, Sphere
from .base import FittedPosterior, Posterior, blocks
from .draws import normals

__all__ = ["Windowed"]

LEAST_RESIDUAL = 1e-9  # variance of a direction, relative to the mean one
LEAST_VARIANCE = 0.01  # of a direction of entries, which have variance one
FILLED_NUMBERS = 2_000_000  # in one temporary of filling holes
TWO = 2  # simulations that show how many columns there are


class Windowed(Posterior):
    """Posterior of paths as a Markov chain, by ridge regression pooled over times.

    The latents of a time are Gaussian given those of the time before and the observations
    around, ``q(z | x) = prod_t q(z_t | z_{t-1}, x_{t-h}, ..., x_{t+h})`` with half width h.
    The regression is the same at all times; only the first has a correction of its own.
    It is one in real coordinates, so that latents stay in their support.

    For latents of shape (n_times, k), or a dict of such arrays of the same n_times, and
    rows of n_times times as many columns, those of the first time first.  Given columns
    belong to every window.  The law of a step should be much the same at all times.

    Parameters
    ----------
    half_width : int, default=4
        Number of times that a window reaches to either side, at least 0. What is ahead
        matters; what is behind is mostly known from the latents of the time before.
    alpha : float, default=1.0
        Penalty of the ridge regression, against a sum of squares over simulations and
        times, of standardised inputs and targets.

    Raises
    ------
    ValueError
        In `fit`, if latents or observations are no such paths.

    Notes
    -----
    Windows at the edges are narrower, and have coefficients of their own, learnt from all
    times that have such a window.  Missing entries are filled in by what the entries of
    the same time, the one before and the one after say of them, in a Gaussian of the
    moments that pairs of observed entries have.

    The mean is the chain without innovations; it is cut to the simulated range where
    latents are not real.  That the regression is linear in x is a limit: for counts of
    which latents are log rates few draws count.

    Cost for n simulations of d columns a time: ``n * n_times * p**2`` with ``p = (2 *
    half_width + 1) * d + k``; each time with holes costs ``(3 d)**3``.

    Examples
    --------
    A random walk, seen in noise:

    >>> from skaws.models import FunctionModel
    >>> from skaws.simulations import simulate
    >>> def sample(params, n_samples, rng):
    ...     z = np.cumsum(rng.standard_normal((n_samples, 10, 1)), axis=1)
    ...     return z, z[:, :, 0] + rng.standard_normal((n_samples, 10))
    >>> model, rng = FunctionModel(sample, None, None), np.random.default_rng(0)
    >>> fitted = Windowed().fit(model, {}, simulate(model, {}, 2000, rng), rng)
    >>> z, x = sample({}, 1000, rng)
    >>> fitted.mean(x).shape
    (1000, 10, 1)
    >>> bool(np.var(z - fitted.mean(x)) < 0.55)  # the noise has 1
    True
    """

    n_simulations = 2000

    def __init__(self, half_width=4, alpha=1.0):
        self.half_width = half_width
        self.alpha = alpha

    def suits(self, model, params, space):
        n_times = number_of_times(space)
        return n_times is not None and n_own_columns(model, params) % n_times == 0

    def fit(self, model, params, simulations, rng, previous=None):
        n_times = number_of_times(simulations.space)
        n_own = simulations.observations.shape[1] - model.n_given
        if n_times is None or n_own % n_times:
            shapes = {
                ".".join(path): shape for path, shape in simulations.space.shapes.items()
            }
            raise ValueError(
                "Windowed is for paths: latents of shape (n, n_times, k) with real "
                "coordinates, and rows of n_times times as many columns; these latents are "
                f"{simulations.space.latent_support!r} of shapes {shapes}, and rows have "
                f"{n_own} columns. Take another posterior, such as Ridge()."
            )
        windows = Windows(simulations.observations, n_times, model.n_given)
        return FittedWindowed(simulations, windows, self.half_width, self.alpha)


def number_of_times(space):
    """Length of paths of latents with real coordinates; None if they are no such paths."""
    shapes = space.shapes.values()
    lengths = {shape[0] if len(shape) == 2 else 1 for shape in shapes}
    smooth = space.has_coordinates and not space.alphabets and not has_sphere(space)
    return lengths.pop() if smooth and len(lengths) == 1 and 1 not in lengths else None


def has_sphere(space):
    """Whether some latents have length one: one map does not show all of a sphere."""
    for _, support in leaves(as_tree(space.latent_support)):
        parts = support.parts if isinstance(support, Columns) else [(support, None)]
        if any(isinstance(part, Sphere) for part, _ in parts):
            return True
    return False


def n_own_columns(model, params):
    """Number of columns of observations that are not given."""
    given = [np.ones((TWO, model.n_given))] if model.n_given else []
    observations = model.sample(params, TWO, np.random.default_rng(0), *given)[1]
    return np.size(observations) // TWO - model.n_given


class FittedWindowed(FittedPosterior):
    """The chain, in standardised real coordinates.

    Parameters
    ----------
    simulations : Simulations
        What to fit it on.
    windows : Windows
        Of their observations.
    half_width, alpha : int and float
        As of :class:`Windowed`.
    """

    def __init__(self, simulations, windows, half_width, alpha):
        super().__init__(simulations.space)
        self._windows, self._half_width = windows, half_width
        self._paths = Paths(self.space, simulations.latents)
        path = self._paths.standardised(simulations.latents)
        self._range = -np.inf, np.inf
        if not are_real(self.space):
            self._range = path.min(axis=(0, 1)), path.max(axis=(0, 1))
        seen = self._around(simulations.observations)
        self._chain = Chain(path, seen, alpha, half_width)

    def mean(self, X):
        return self._paths.latents(np.clip(self._mean_path(X), *self._range))

    def inputs(self, X):
        """Means over time of the mean's standardised coordinates, (m, n_coordinates)."""
        return self._mean_path(X).mean(axis=1)

    def sample(self, X, n_samples, rng, common=False):
        shape = self._windows.n_times, self._chain.size
        white = normals(n_samples, len(X), np.prod(shape), rng, common)
        white = white.reshape(*white.shape[:2], *shape)
        path, log_prob = self._chain.sample(self._around(X), white)
        return self._paths.latents(path), log_prob - self._paths.log_volume(path)

    def _mean_path(self, X):
        """Path without innovations: all is linear."""
        still = np.zeros((1, 1, self._windows.n_times, self._chain.size))
        return self._chain.sample(self._around(X), still)[0][0]

    def _around(self, X):
        return self._windows.around(X, self._half_width)


def are_real(space):
    """Whether all latents may be any real number."""
    supports = leaves(as_tree(space.latent_support))
    return all(isinstance(support, Real) for _, support in supports)


class Paths:
    """Paths of latents as standardised real coordinates of each time, and back.

    Parameters
    ----------
    space : Space
        Of the latents.
    latents : array of shape (n, n_times, k), or nested dict of such arrays
        Simulations.
    """

    def __init__(self, space, latents):
        steps = steps_of(latents)
        self._steps = Space(steps, space.latent_support, batched=True)
        self._mean, self._scale = column_units(self._steps.flatten(steps))
        self._n_times = next(iter(space.shapes.values()))[0]

    def standardised(self, latents):
        """Standardised coordinates, (n, n_times, n_coordinates)."""
        real = (self._steps.flatten(steps_of(latents)) - self._mean) / self._scale
        return real.reshape(-1, self._n_times, self._steps.size)

    def latents(self, path):
        """Latents at standardised coordinates (..., n_times, n_coordinates)."""
        shape = path.shape[:-1]
        latents = self._steps.unflatten(self._real(path))
        return map_leaves(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), latents)

    def log_volume(self, path):
        """Log volume of latents to that of standardised coordinates, (...)."""
        own = self._steps.log_det_jacobian(self._real(path)).reshape(path.shape[:-1])
        return np.sum(own, axis=-1) + self._n_times * np.sum(np.log(self._scale))

    def _real(self, path):
        return (self._mean + self._scale * path).reshape(-1, self._steps.size)


def steps_of(latents):
    """Paths as one row a time."""
    return map_leaves(lambda leaf: leaf.reshape(-1, leaf.shape[-1]), latents)


class Windows:
    """Rows seen from each of their times, standardised as all times are together.

    Parameters
    ----------
    observations : array of shape (n, n_times * d + n_given)
        Simulations.
    n_times : int
        Length of the paths.
    n_given : int
        Number of given columns.
    """

    def __init__(self, observations, n_times, n_given):
        self.n_times, self._n_given = n_times, n_given
        x, given = self._parted(observations)
        self._mean, self._scale = column_units(x.reshape(len(x) * n_times, -1))
        self._given_mean, self._given_scale = column_units(given)
        self._fill = Filling((x - self._mean) / self._scale)

    def around(self, X, half_width):
        """Function of a time: entries around it, given columns, and ones at the end.

        Entries beyond the edges are NaN.
        """
        x, given = self._parted(X)
        m, n_times, d = x.shape
        padded = np.full((m, n_times + 2 * half_width, d), np.nan)
        inner = slice(half_width, half_width + n_times)
        padded[:, inner] = self._fill((x - self._mean) / self._scale)
        given = (given - self._given_mean) / self._given_scale
        rest = np.hstack([given, np.ones((m, 1))])

        def at(t):
            window = padded[:, t : t + 2 * half_width + 1]
            return np.hstack([window.reshape(m, -1), rest])

        return at

    def _parted(self, X):
        """Observations (m, n_times, d), and given columns (m, n_given)."""
        n_own = X.shape[1] - self._n_given
        return X[:, :n_own].reshape(len(X), self.n_times, -1), X[:, n_own:]


class Filling:
    """Missing entries by their expectations, given those of the same time and the next.

    Parameters
    ----------
    entries : array of shape (n, n_times, d)
        Of simulations, standardised; NaN where missing.
    """

    def __init__(self, entries):
        around = neighbourhoods(entries).reshape(-1, 3 * entries.shape[2])
        seen, values = 1.0 * ~np.isnan(around), zeros_for_none(around)
        moments = values.T @ values / np.maximum(seen.T @ seen, 1.0)
        variances, axes = np.linalg.eigh(moments)
        # Moments of pairs need not be those of any law.
        self._moments = axes * np.maximum(variances, LEAST_VARIANCE) @ axes.T

    def __call__(self, entries):
        holes = np.isnan(entries)
        if not holes.any():
            return entries
        some = holes.any(axis=2)
        around, filled = neighbourhoods(entries)[some], entries.copy()
        n_at_once = FILLED_NUMBERS // around.shape[1] ** 2
        parts = [self._expected(around[at]) for at in blocks(len(around), n_at_once)]
        filled[some] = np.where(holes[some], np.concatenate(parts), entries[some])
        return filled

    def _expected(self, around):
        """Expectations of a time's own entries, (m, d), given neighbourhoods."""
        seen = 1.0 * ~np.isnan(around)
        # What is not seen is made independent of all else.
        known = self._moments * (seen[:, :, None] * seen[:, None, :])
        known = known + (1.0 - seen)[:, :, None] * np.eye(seen.shape[1])
        values = zeros_for_none(around)[:, :, None]
        n_own = seen.shape[1] // 3
        return np.linalg.solve(known, values)[:, :, 0] @ self._moments[:, :n_own]


def neighbourhoods(entries):
    """Entries of each time, the one before and the one after, (n, n_times, 3 d)."""
    beyond = np.full_like(entries[:, :1], np.nan)
    before = np.concatenate([beyond, entries[:, :-1]], axis=1)
    after = np.concatenate([entries[:, 1:], beyond], axis=1)
    return np.concatenate([entries, before, after], axis=2)


class PooledRidge:
    """Ridge regression of paths, the same at all times that have the same inputs.

    Near an edge there are fewer; coefficients are then learnt from all times that have
    these, as if the others had none more.  Those of the first time are corrected, shrunk
    towards that, as paths may begin in another way than they go on.

    Parameters
    ----------
    inputs : callable
        ``inputs(t)``, inputs of all paths at a time, (n, p), in which a column that there
        is not is NaN; the last column is ones, and has no penalty.
    path : array of shape (n, n_times, k)
        Targets.
    alpha : float
        Penalty.
    """

    def __init__(self, inputs, path, alpha):
        sums, there = sums_by_columns(inputs, path)
        shared = {columns: shared_ridge(sums, columns, alpha) for columns in sums}
        self.coefficients = [shared[columns] for columns in there]
        first = zeros_for_none(inputs(0))
        left_over = path[:, 0] - first @ self.coefficients[0]
        correction = ridge(first.T @ first, first.T @ left_over, alpha)
        self.coefficients[0] = self.coefficients[0] + correction

    def path(self, inputs):
        """Predictions at all times, (m, n_times, k)."""
        pairs = enumerate(self.coefficients)
        steps = [zeros_for_none(inputs(t)) @ own for t, own in pairs]
        return np.stack(steps, axis=1)


def zeros_for_none(inputs):
    """Inputs with zeros where there are none."""
    return np.where(np.isnan(inputs), 0.0, inputs)


def sums_by_columns(inputs, path):
    """Sums of products of inputs, and with targets, over times of the same columns.

    Returns
    -------
    sums : dict
        Arrays (p, p) and (p, k) by which columns there are, a tuple of p bools.
    there : list of tuple
        Which columns each time has.
    """
    sums, there = {}, []
    for t in range(path.shape[1]):
        own = inputs(t)
        there.append(tuple(~np.isnan(own[0])))
        own = zeros_for_none(own)
        gram, moment = sums.get(there[-1], (0.0, 0.0))
        sums[there[-1]] = gram + own.T @ own, moment + own.T @ path[:, t]
    return sums, there


def shared_ridge(sums, columns, alpha):
    """Coefficients on some columns, (p, k), by all times that have them."""
    used = np.flatnonzero(columns)
    own = [pair for others, pair in sums.items() if np.all(np.array(others)[used])]
    gram, moment = (sum(parts) for parts in zip(*own, strict=True))
    coefficients = np.zeros_like(moment)
    coefficients[used] = ridge(gram[np.ix_(used, used)], moment[used], alpha)
    return coefficients


def ridge(gram, moment, alpha):
    """Coefficients of ridge regression whose last input, ones, has no penalty."""
    penalty = np.append(np.full(len(gram) - 1, alpha), 0.0)
    return np.linalg.solve(gram + np.diag(penalty), moment)


class Chain:
    """Markov chain of latents whose steps are linear in what is seen, and Gaussian.

    Parameters
    ----------
    path : array of shape (n, n_times, k)
        Standardised coordinates of simulated latents.
    seen : callable
        ``seen(t)``, what is seen around a time, (n, p).
    alpha : float
        Penalty of the regression.
    half_width : int
        Of windows: so many times at either end have residuals of their own.

    Attributes
    ----------
    size : int
        Number of coordinates, k.
    """

    def __init__(self, path, seen, alpha, half_width):
        n_times, self.size = path.shape[1:]
        before = np.full_like(path, np.nan)
        before[:, 1:] = path[:, :-1]

        def inputs(t):
            return np.hstack([before[:, t], seen(t)])

        self._ridge = PooledRidge(inputs, path, alpha)
        errors = path - self._ridge.path(inputs)
        inner = range(max(1, half_width), n_times - half_width)
        own = [t for t in range(n_times) if t not in inner]
        self._factors = dict.fromkeys(inner, factor(errors[:, list(inner)]))
        self._factors |= {t: factor(errors[:, t]) for t in own}

    def sample(self, seen, white):
        """Paths of given innovations, and their log densities.

        Parameters
        ----------
        seen : callable
            ``seen(t)`` of the rows, (m, p).
        white : array of shape (n_samples, m or 1, n_times, k)
            Standard normal numbers.

        Returns
        -------
        path : array of shape (n_samples, m, n_times, k)
        log_prob : array of shape (n_samples, m)
        """
        n_times, steps, now = white.shape[2], [], np.zeros(self.size)
        log_prob = -0.5 * np.sum(white**2 + np.log(2 * np.pi), axis=(2, 3))
        for t in range(n_times):
            slopes, rest = np.split(self._ridge.coefficients[t], [self.size])
            scale = self._factors[t]
            drift = zeros_for_none(seen(t)) @ rest
            now = now @ slopes + drift + white[:, :, t] @ scale.T
            log_prob = log_prob - np.sum(np.log(np.diagonal(scale)))
            steps.append(now)
        path = np.stack(steps, axis=2)
        return path, np.broadcast_to(log_prob, path.shape[:2])


def factor(errors):
    """Cholesky factor of the covariance of residuals (..., k)."""
    errors = errors.reshape(-1, errors.shape[-1])
    covariance = errors.T @ errors / max(1, len(errors))
    least = LEAST_RESIDUAL * (np.trace(covariance) / len(covariance) or 1.0)
    return np.linalg.cholesky(covariance + least * np.eye(len(covariance)))
