"""Supports: the set that a value lives in, and its way to real coordinates and back.

A support serves parameters and latents.  It acts along the last axis of an array: entry by
entry (:class:`Real`, :class:`Positive`, :class:`Interval`, :class:`Binary`,
:class:`Integer`), or on whole rows (:class:`Simplex`, :class:`Sphere`, :class:`OneHot`,
:class:`Finite`).  ``from_real`` and ``log_det_jacobian`` run on autograd's tape.
"""

from abc import ABC, abstractmethod
from functools import cache
from itertools import groupby, product

import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import expit, logsumexp
from sklearn.base import BaseEstimator

__all__ = [
    "Binary",
    "Columns",
    "Counts",
    "Finite",
    "Fixed",
    "Integer",
    "Interval",
    "OneHot",
    "Positive",
    "Real",
    "Simplex",
    "Sphere",
    "Support",
    "Unknown",
    "read_support",
    "side_by_side",
]

RARE = 20  # times that the largest of counts is seen, at most
FEW = 64  # values that latents take, of which all can be summed over
ATOMS = 0.01  # share of equal neighbours from which on some values have a probability
N_AT_EDGE = 10
ABRUPT = 4.0  # spacings at an edge, in those of evenly spaced numbers
NEAR = 0.25  # numbers that come so much closer to a bound than most of them end there
LOGIT_BOUND = 36.0  # logistic functions beyond it round to one
LOG_BOUND = 690.0  # exponentials beyond it are not finite, or zero
SMALLEST = 1e-300  # of which logarithms are taken
TINY = 1e-12


class Support(BaseEstimator, ABC):
    """Set of values that a parameter, or the latents, may take.

    *Must*: ``contains`` and ``description``.  *May*: ``to_real``, ``from_real`` and
    ``log_det_jacobian`` where values have real coordinates; ``alphabets`` where there is a
    finite number of values.

    See Also
    --------
    skaws.spaces.Space : Supports of several named arrays.

    Examples
    --------
    >>> Positive() == Positive(), Positive() == Real()
    (True, False)
    >>> Positive(lower=1.0)
    Positive(lower=1.0)
    """

    #: What a value is, as error messages say it: "Parameter rate must be ...".
    description = "real"

    #: Lower and upper bound of an entry; infinite where there is none.
    bounds = (-np.inf, np.inf)

    #: Whether it says something of whole rows, not of each entry alone.
    of_rows = False

    @abstractmethod
    def contains(self, value):
        """Whether all of `value`, an array, lies in the support."""

    def real_shape(self, shape):
        """Shape of the real coordinates of a value of that `shape`."""
        return shape

    def alphabets(self, n_columns):
        """Values of each group of columns, arrays (n_values, n_group); None if infinite."""
        return None

    def values(self, n_columns, limit=4096):
        """All values of a row of `n_columns`, shape (n_values, n_columns).

        Parameters
        ----------
        n_columns : int
            Length of the last axis.
        limit : int, default=4096
            Largest number of values.

        Returns
        -------
        values : array of shape (n_values, n_columns) or None
            None if there are more than `limit`.
        """
        alphabets = self.alphabets(n_columns)
        return None if alphabets is None else combined(alphabets, limit)

    def is_within(self, other):
        """Whether entries lie between the bounds of another support."""
        low, high = other.bounds
        return bool(low <= self.bounds[0] and self.bounds[1] <= high)

    def at_edge(self, value):
        """Whether a value lies outside, or only rounding keeps it off a bound."""
        return not self.contains(value)

    def around(self, value):
        """The support with coordinates about each row of `value`.

        Those of a sphere depend on the centre; other supports return themselves.
        """
        return self

    def move(self, value, step):
        """`value` moved by `step`, of ``real_shape``, in real coordinates."""
        return self.from_real(self.to_real(value) + step)

    def __eq__(self, other):
        if type(self) is not type(other):
            return False
        own, others = self.get_params(False), other.get_params(False)
        return all(np.array_equal(own[name], others[name]) for name in own)

    __hash__ = None


def combined(alphabets, limit):
    """Every combination of a row of each array; None if there are more than `limit`."""
    if np.sum(np.log([len(alphabet) for alphabet in alphabets])) > np.log(limit) + 1e-9:
        return None
    return np.array([np.concatenate(rows) for rows in product(*alphabets)])


def by_row(entries):
    """Sum over the last axis, where there is one."""
    return anp.sum(entries, axis=-1) if anp.ndim(entries) else entries


class Real(Support):
    """Any real number.

    Examples
    --------
    >>> Real().contains(np.array([1.0, -2.0])), Real().contains(np.array([np.nan]))
    (True, False)
    """

    def contains(self, value):
        return bool(np.all(np.isfinite(value)))

    def to_real(self, value):
        return value

    def from_real(self, real):
        return real

    def log_det_jacobian(self, real):
        return by_row(0.0 * real)


class Positive(Support):
    """Numbers above a lower bound, ``lower + exp(u)``: steps are multiplicative.

    Parameters
    ----------
    lower : float or array broadcastable to the value, default=0.0
        Values come no lower than this; a floor on a variance, say.

    Examples
    --------
    >>> support = Positive(lower=1.0)
    >>> float(support.from_real(support.to_real(np.array(3.0))).round(12))
    3.0
    """

    def __init__(self, lower=0.0):
        self.lower = lower

    @property
    def description(self):
        bound = np.ravel(self.lower)
        return f"above {bound[0]:.3g}" if bound.size == 1 else "above its lower bound"

    @property
    def bounds(self):
        return float(np.min(self.lower)), np.inf

    def contains(self, value):
        return bool(np.all(np.isfinite(value)) and np.all(value > self.lower))

    def at_edge(self, value):
        return not self.contains(value) or reaches_an_end(self, value)

    def to_real(self, value):
        return np.log(np.maximum(value - self.lower, SMALLEST))

    def from_real(self, real):
        value = self.lower + anp.exp(anp.clip(real, -LOG_BOUND, LOG_BOUND))
        # Rounding must not lead to the bound.
        return anp.maximum(value, np.nextafter(self.lower, np.inf))

    def log_det_jacobian(self, real):
        return by_row(real)


class Interval(Support):
    """Numbers strictly between two bounds, by the logistic function.

    Parameters
    ----------
    low, high : float, default=0.0, 1.0
        Bounds, ``low < high``.
    log : bool, default=False
        Whether the logistic function is that of the logarithm, so that steps in the middle
        are multiplicative; then ``0 < low``.

    Raises
    ------
    ValueError
        If the bounds are not finite, or not in order.

    Examples
    --------
    >>> float(Interval(0.0, 1.0).from_real(0.0))
    0.5
    >>> float(Interval(1.0, 100.0, log=True).from_real(0.0).round(12))
    10.0
    """

    def __init__(self, low=0.0, high=1.0, log=False):
        if not -np.inf < low < high < np.inf or (log and not low > 0):
            order = "0 < low < high for log=True" if log else "low < high"
            raise ValueError(
                f"Interval needs finite bounds, {order}; got low={low!r}, high={high!r}. "
                "Without an upper bound use Positive(lower)."
            )
        self.low = low
        self.high = high
        self.log = log

    @property
    def description(self):
        return f"strictly between {self.low:g} and {self.high:g}"

    @property
    def bounds(self):
        return self.low, self.high

    def contains(self, value):
        return bool(np.all((value > self.low) & (value < self.high)))

    def at_edge(self, value):
        return not self.contains(value) or reaches_an_end(self, value)

    def to_real(self, value):
        value = np.asarray(value, dtype=float)
        if self.log:
            width = np.log(self.high / self.low)
            return 0.25 * width * log_odds(np.log(value / self.low) / width)
        return log_odds((value - self.low) / (self.high - self.low))

    def from_real(self, real):
        if self.log:
            width = np.log(self.high / self.low)
            value = self.low * anp.exp(width * self._share(4.0 / width * real))
        else:
            value = self.low + (self.high - self.low) * self._share(real)
        # Rounding must not lead to a bound.
        inside = np.nextafter(self.low, self.high), np.nextafter(self.high, self.low)
        return anp.clip(value, *inside)

    def log_det_jacobian(self, real):
        if self.log:
            slope = 4.0 / np.log(self.high / self.low) * real
            return by_row(anp.log(4.0 * self.from_real(real)) + log_slope(slope))
        return by_row(np.log(self.high - self.low) + log_slope(real))

    def _share(self, log_odds):
        return expit(anp.clip(log_odds, -LOG_BOUND, LOGIT_BOUND))


def reaches_an_end(support, value):
    """Whether an entry is one that the support's real numbers end at."""
    ends = (support.from_real(end) for end in (-np.inf, np.inf))
    low, high = (np.asarray(end) for end in ends)
    return bool(np.any((value <= low) | (value >= high)))


def log_odds(share):
    """Log odds of numbers in (0, 1); those rounded onto a bound keep a way back."""
    share = np.clip(share, SMALLEST, 1 - np.finfo(float).epsneg)
    return np.log(share) - np.log1p(-share)


def log_slope(log_odds):
    """Logarithm of the derivative of the logistic function."""
    return -anp.logaddexp(0.0, log_odds) - anp.logaddexp(0.0, -log_odds)


class Simplex(Support):
    """Positive rows that sum to one along the last axis, by log ratios.

    Coordinates are isometric log ratios (Egozcue et al., 2003), one fewer than columns;
    the density is that of all columns but the last.

    Examples
    --------
    >>> Simplex().from_real(np.zeros(3)).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """

    description = "positive with last axis summing to one"
    bounds = (0.0, 1.0)
    of_rows = True

    def contains(self, value):
        return bool(np.all(value > 0) and np.allclose(np.sum(value, axis=-1), 1.0))

    def at_edge(self, value):
        return not self.contains(value) or bool(np.any(value <= 2 * SMALLEST))

    def real_shape(self, shape):
        return (*shape[:-1], shape[-1] - 1)

    def to_real(self, value):
        return np.log(np.maximum(value, SMALLEST)) @ contrasts(np.shape(value)[-1]).T

    def from_real(self, real):
        shares = anp.maximum(anp.exp(log_shares(real)), SMALLEST)
        return shares / anp.sum(shares, axis=-1, keepdims=True)

    def log_det_jacobian(self, real):
        # Log ratios to the last column have the product of all shares for determinant.
        return by_row(log_shares(real)) + 0.5 * np.log(real.shape[-1] + 1)


def log_shares(real):
    """Logarithms of the shares that have the given isometric log ratios."""
    logs = anp.dot(real, contrasts(real.shape[-1] + 1))
    return logs - logsumexp(logs, axis=-1, keepdims=True)


@cache
def contrasts(n_columns):
    """Orthonormal rows that sum to zero, (n_columns - 1, n_columns): Helmert's."""
    rows = np.tril(np.ones((n_columns - 1, n_columns)))
    index = np.arange(1, n_columns)
    rows[index - 1, index] = -index
    return rows / np.sqrt(index * (index + 1.0))[:, None]


class Sphere(Support):
    """Rows of length one along the last axis, by stereographic projection.

    Coordinates are those of the projection from the pole where the last entry is one;
    densities are by area (on a circle: arc length).

    Examples
    --------
    >>> Sphere().from_real(np.zeros(1)).tolist()
    [0.0, -1.0]
    """

    description = "rows of length one"
    bounds = (-1.0, 1.0)
    of_rows = True

    def contains(self, value):
        length = np.sum(np.square(value), axis=-1)
        return bool(np.all(np.isfinite(value)) and np.allclose(length, 1.0, atol=1e-6))

    def real_shape(self, shape):
        return (*shape[:-1], shape[-1] - 1)

    def to_real(self, value):
        rest, last = value[..., :-1], value[..., -1:]
        square = np.sum(rest**2, axis=-1, keepdims=True)
        # The pole itself has no coordinates: a direction as good as any is near it.
        at_pole = (last > 0) & (square < TINY**2)
        rest = np.where(at_pole, TINY * np.eye(1, rest.shape[-1])[0], rest)
        square = np.where(at_pole, TINY**2, square)
        return rest / np.where(last > 0, square / (1.0 + np.abs(last)), 1.0 - last)

    def from_real(self, real):
        square = anp.sum(real**2, axis=-1, keepdims=True)
        return anp.concatenate([2.0 * real, square - 1.0], axis=-1) / (square + 1.0)

    def log_det_jacobian(self, real):
        square = anp.sum(real**2, axis=-1)
        return real.shape[-1] * (np.log(2.0) - anp.log1p(square))

    def around(self, value):
        return TangentSphere(value)


class TangentSphere(Sphere):
    """The sphere by directions and angles from the centre of each row.

    Coordinates longer than pi would go round a second time: they have no volume.

    Parameters
    ----------
    centre : array of shape (n, n_columns)
        Rows of length one.

    Examples
    --------
    >>> centre = np.array([[1.0, 0.0]])
    >>> TangentSphere(centre).from_real(np.array([[1e-9]])).round(6).tolist()
    [[1.0, 0.0]]
    """

    def __init__(self, centre):
        self.centre = centre

    def _basis(self):
        """Orthogonal basis of the tangent space of each row, beside the centre."""
        axes = np.broadcast_to(
            np.eye(self.centre.shape[-1]), (*self.centre.shape, self.centre.shape[-1])
        )
        columns = np.concatenate([self.centre[..., None], axes], axis=-1)
        return np.linalg.qr(columns)[0][..., 1:]

    def to_real(self, value):
        across = np.einsum("...ij,...i->...j", self._basis(), value)
        along = np.sum(value * self.centre, axis=-1)
        length = np.linalg.norm(across, axis=-1)
        ratio = np.arctan2(length, along) / np.maximum(length, TINY)
        return across * ratio[..., None]

    def from_real(self, real):
        angle = lengths(real)[..., None]
        tangent = anp.einsum("...ij,...j->...i", self._basis(), real)
        return anp.cos(angle) * self.centre + anp.sin(angle) / angle * tangent

    def log_det_jacobian(self, real):
        angle = lengths(real)
        inside = angle < np.pi
        narrowing = anp.log(anp.sin(anp.where(inside, angle, 1.0)) / angle)
        return anp.where(inside, (real.shape[-1] - 1) * narrowing, -np.inf)


def lengths(rows):
    """Lengths of rows, never zero, where they have no derivative."""
    return anp.sqrt(anp.sum(rows**2, axis=-1) + TINY**2)


class FiniteSupport(Support):
    """Base of supports of a finite number of values, which have no real coordinates."""

    def contains(self, value):
        groups = self.alphabets(np.shape(value)[-1])
        edges = np.cumsum([group.shape[1] for group in groups])[:-1]
        parts = np.split(np.asarray(value), edges, axis=-1)
        return all(
            bool(np.all(codes_of(part, group) >= 0))
            for part, group in zip(parts, groups, strict=True)
        )

    def real_shape(self, shape):
        return (*shape[:-1], 0)

    def to_real(self, value):
        return np.zeros((*np.shape(value)[:-1], 0))


def codes_of(rows, alphabet):
    """Number of the row of `alphabet` that each of `rows` is, -1 where it is none."""
    codes = np.full(rows.shape[:-1], -1)
    for code, value in enumerate(alphabet):
        codes[np.all(rows == value, axis=-1)] = code
    return codes


class Binary(FiniteSupport):
    """Entries 0 or 1.

    Examples
    --------
    >>> Binary().values(2).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """

    description = "0 or 1"
    bounds = (0.0, 1.0)

    def contains(self, value):
        return bool(np.all(np.isin(value, (0.0, 1.0))))

    def alphabets(self, n_columns):
        return [np.array([[0.0], [1.0]])] * n_columns


class OneHot(FiniteSupport):
    """Rows with a single one, zeros elsewhere: codes of a label.

    Examples
    --------
    >>> OneHot().values(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    description = "rows with a single one"
    bounds = (0.0, 1.0)
    of_rows = True

    def contains(self, value):
        single = np.sum(value, axis=-1) == 1.0
        return bool(np.all(single) and np.all(np.isin(value, (0.0, 1.0))))

    def alphabets(self, n_columns):
        return [np.eye(n_columns)]


class Integer(FiniteSupport):
    """Whole numbers from `low` to `high`.

    Parameters
    ----------
    low : int, default=0
        Smallest value; minus infinity is no bound.
    high : int, default=None
        Largest value; None is no bound.

    Examples
    --------
    >>> Integer(0, 2).values(1).ravel().tolist()
    [0.0, 1.0, 2.0]
    >>> Integer().values(1) is None, Integer().contains(np.array([7.0]))
    (True, True)
    """

    def __init__(self, low=0, high=None):
        self.low = low
        self.high = high

    @property
    def description(self):
        low, high = self.bounds
        if np.isfinite(high):
            return f"whole numbers, {low} to {high}"
        return f"whole numbers, at least {low}" if np.isfinite(low) else "whole numbers"

    @property
    def bounds(self):
        return self.low, np.inf if self.high is None else self.high

    def contains(self, value):
        low, high = self.bounds
        whole = np.isfinite(value) & (value == np.floor(value))
        return bool(np.all(whole & (value >= low) & (value <= high)))

    def alphabets(self, n_columns):
        if not np.all(np.isfinite(self.bounds)):
            return None
        return [np.arange(self.low, self.high + 1.0)[:, None]] * n_columns


class Counts(Integer):
    """Whole numbers of which `low` to `high` were seen, and more are possible.

    What simulations of counts are read as, where their largest values are rare.  Sums over
    them go as far as the rows at hand ask (:class:`skaws.posteriors.Enumeration`): declare
    ``Integer(low, high)`` where there are no others.

    Parameters
    ----------
    low, high : int
        Smallest and largest value seen, or the least that there is.
    open_below : bool, default=False
        Whether there may be smaller ones.

    Examples
    --------
    >>> draws = np.random.default_rng(0).poisson(1.0, (10_000, 1))
    >>> read_support(draws).bounds
    (0, 6)
    >>> read_support(np.minimum(draws, 2))  # whose last is not rare
    Finite(rows=array([[0.],
           [1.],
           [2.]]))
    """

    def __init__(self, low, high, open_below=False):
        super().__init__(low, high)
        self.open_below = open_below

    @property
    def description(self):
        return f"whole numbers, {self.low} to {self.high} seen"

    def wider(self, below):
        """Twice as many, at the end that is asked for."""
        more = self.high - self.low + 8
        low = self.low - more if below else self.low
        return Counts(low, self.high if below else self.high + more, self.open_below)


class Finite(FiniteSupport):
    """One of some given rows.

    Parameters
    ----------
    rows : array of shape (n_values, n_columns)
        The values.

    Examples
    --------
    >>> Finite(np.array([[-1.0], [0.0], [1.0]])).contains(np.array([[0.5]]))
    False
    """

    of_rows = True

    def __init__(self, rows):
        self.rows = rows

    @property
    def description(self):
        return f"one of {len(self.rows)} values"

    @property
    def bounds(self):
        return float(np.min(self.rows)), float(np.max(self.rows))

    def alphabets(self, n_columns):
        return [np.asarray(self.rows, dtype=float)]


class Fixed(Support):
    """A value that stays as it is: a parameter that is not learnt.

    Examples
    --------
    >>> Fixed().move(3.0, np.zeros(0))
    3.0
    """

    description = "finite"

    def contains(self, value):
        return bool(np.all(np.isfinite(value)))

    def real_shape(self, shape):
        return (0,)

    def to_real(self, value):
        return np.zeros(0)

    def move(self, value, step):
        return value


class Unknown(Support):
    """Values without coordinates: numbers of which some have a probability of their own.

    Such as a waiting time that is zero for some.  The log joint can then be regressed, but
    not be evaluated anywhere but at simulated latents.

    Examples
    --------
    >>> Unknown().contains(np.array([0.0, 0.3]))
    True
    """

    description = "finite numbers"

    def contains(self, value):
        return bool(np.all(np.isfinite(value)))

    def real_shape(self, shape):
        return (*shape[:-1], 0)


class Columns(Support):
    """Supports of groups of columns, side by side.

    Parameters
    ----------
    parts : list of (Support, int)
        Support and number of columns of each group.

    Examples
    --------
    A label of two classes beside a real number:

    >>> support = Columns([(OneHot(), 2), (Real(), 1)])
    >>> support.contains(np.array([[0.0, 1.0, -3.0]]))
    True
    """

    of_rows = True

    def __init__(self, parts):
        self.parts = parts

    @property
    def description(self):
        return ", ".join(f"{support.description} ({n})" for support, n in self.parts)

    @property
    def bounds(self):
        lows, highs = zip(*(support.bounds for support, _ in self.parts), strict=True)
        return min(lows), max(highs)

    def contains(self, value):
        if np.shape(value)[-1] != sum(n for _, n in self.parts):
            return False
        return all(support.contains(part) for support, part in self._split(value))

    def alphabets(self, n_columns):
        groups = [support.alphabets(n) for support, n in self.parts]
        if any(group is None for group in groups):
            return None
        return [alphabet for group in groups for alphabet in group]

    def around(self, value):
        own = [(support.around(part), part) for support, part in self._split(value)]
        return Columns([(support, part.shape[-1]) for support, part in own])

    def _split(self, value):
        """Each support with its columns of `value`."""
        supports, widths = zip(*self.parts, strict=True)
        parts = np.split(np.asarray(value), np.cumsum(widths)[:-1], axis=-1)
        return list(zip(supports, parts, strict=True))


def side_by_side(parts):
    """Support of groups of columns; that of one group if all entries are alike.

    Parameters
    ----------
    parts : list of (Support, int)
        Support and number of columns of each group, one or more.

    Returns
    -------
    support : Support

    Examples
    --------
    >>> side_by_side([(Real(), 2), (Real(), 1)])
    Real()
    >>> side_by_side([(OneHot(), 2), (OneHot(), 3)])
    Columns(parts=[(OneHot(), 2), (OneHot(), 3)])
    """
    groups = [
        group
        for support, n in parts
        for group in (support.parts if isinstance(support, Columns) else [(support, n)])
    ]
    first = groups[0][0]
    alike = not first.of_rows and all(support == first for support, _ in groups)
    return first if alike or len(groups) == 1 else Columns(groups)


def read_support(values):
    """The narrowest support that holds simulated `values`, column by column.

    Parameters
    ----------
    values : array of shape (n,) or (n, ..., n_columns)
        Simulations, thousands of them: what has not been seen is not in the support.

    Returns
    -------
    support : Support
        Rows of few values are :class:`OneHot`, :class:`Binary` or :class:`Finite`; rows of
        length one a :class:`Sphere`, positive rows of sum one a :class:`Simplex`. Other
        columns are read one by one: few values, whole numbers, numbers between bounds
        that they come close to, or that lie in (0, 1), positive numbers, real ones.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> waiting = rng.exponential(size=(1000, 1))
    >>> read_support(waiting), read_support(np.hstack([waiting > 1, -waiting]))
    (Positive(), Columns(parts=[(Binary(), 1), (Real(), 1)]))
    """
    rows = np.asarray(values, dtype=float)
    rows = rows.reshape(-1, rows.shape[-1] if rows.ndim > 1 else 1)
    if not np.isfinite(rows).all():
        raise ValueError("read_support needs finite values; some are infinite or missing.")
    whole = read_rows(rows)
    if whole is not None:
        return whole
    parts = [read_column(column) for column in rows.T]
    return side_by_side(with_groups(parts, rows))


def with_groups(parts, rows):
    """Supports of columns with their widths; neighbours of few values are read together."""
    groups, start = [], 0
    for finite, run in groupby(parts, lambda support: support.alphabets(1) is not None):
        run = list(run)
        stop = start + len(run)
        together = read_rows(rows[:, start:stop]) if finite else None
        if together is None:
            groups += [(support, 1) for support in run]
        else:
            groups.append((together, len(run)))
        start = stop
    return groups


def read_rows(rows):
    """Support of whole rows, or None if columns are to be read one by one."""
    few = few_rows(rows)
    if few is not None:
        if any(are_counts(column) for column in rows.T):
            return as_counts(rows[:, 0]) if rows.shape[1] == 1 else None
        n_columns = rows.shape[1]
        if np.array_equal(few, np.eye(n_columns)[::-1]) and n_columns > 1:
            return OneHot()
        return Binary() if is_binary(few) else Finite(few)
    if rows.shape[1] > 1:
        for support in (OneHot(), Sphere(), Simplex()):
            if support.contains(rows):
                return support
    return None


def few_rows(rows):
    """Distinct rows, sorted, if there are so few that all may have been seen, else None."""
    # Most tables have more in their first rows: no need to sort all of them.
    if len(np.unique(rows[: 4 * FEW], axis=0)) > FEW:
        return None
    distinct = np.unique(rows, axis=0)
    return distinct if len(distinct) <= min(FEW, len(rows) // 4) else None


def are_counts(column):
    """Whether whole numbers look like counts, of which a few large ones were not seen."""
    values, times = np.unique(column, return_counts=True)
    whole = np.array_equal(values, np.floor(values))
    return whole and len(values) > 2 and times[-1] <= RARE and len(column) > 100 * RARE


def as_counts(column):
    """Their support."""
    low = lowest(np.sort(column))
    smallest = int(column.min()) if low == -np.inf else low
    return Counts(smallest, int(column.max()), bool(low == -np.inf))


def is_binary(rows):
    """Whether distinct `rows` are all combinations of zeros and ones."""
    return len(rows) == 2 ** rows.shape[1] and bool(np.all((rows == 0) | (rows == 1)))


def read_column(column):
    """Support of one column."""
    few = few_rows(column[:, None])
    if few is not None:
        if are_counts(column):
            return as_counts(column)
        return Binary() if is_binary(few) else Finite(few)
    ordered = np.sort(column)
    if np.array_equal(ordered, np.floor(ordered)):
        return Integer(lowest(ordered))
    if np.mean(np.diff(ordered) == 0) > ATOMS:
        return Unknown()
    low, high = edge(ordered), -edge(-ordered[::-1])
    lower, upper = np.quantile(ordered, (0.25, 0.75))
    if ordered[0] > 0 and (not np.isfinite(low) or ordered[0] < NEAR * lower):
        low = 0.0
    if ordered[0] > 0 and ordered[-1] < 1 and 1 - ordered[-1] < NEAR * (1 - upper):
        high = 1.0
    if np.isfinite(high) and np.isfinite(low):
        return Interval(float(low), float(high))
    return Positive(float(low)) if np.isfinite(low) else Real()


def lowest(ordered):
    """A bound below whole numbers in increasing order: where they end abruptly, or zero."""
    if ordered[0] == ordered[:N_AT_EDGE][-1]:
        return int(ordered[0])
    return 0 if ordered[0] >= 0 else -np.inf


def edge(ordered):
    """A bound below numbers in increasing order, minus infinity where there is none.

    Where a density ends abruptly its smallest draws lie as close together as others do.
    """
    few = ordered[:N_AT_EDGE]
    spacing = (few[-1] - few[0]) / (len(few) - 1)
    if spacing * len(ordered) > ABRUPT * (np.quantile(ordered, 0.75) - ordered[0]):
        return -np.inf
    bound = np.round(ordered[0])  # whole numbers are likely bounds
    return bound if 0 <= ordered[0] - bound < 8 * spacing else ordered[0] - 0.01 * spacing
