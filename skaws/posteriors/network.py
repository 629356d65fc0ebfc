"""A recognition network: mixtures over latents, learnt from simulations step by step."""

from copy import copy
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

import numpy as np

from ..networks import DenseNetwork
from ..optimizers import Adam
from ..schedules import Constant, FixedLength
from ..simulations import draw
from ..spaces import columns_of, from_leaves, leaves, map_leaves, stack
from .base import FittedPosterior, Posterior

__all__ = ["MixtureNetwork"]

LOG_2PI = np.log(2 * np.pi)
CLIP = 8.0  # half central intervals, beyond which nothing is learnt of latents
LOG_SDS = -6.0, 1.0  # beyond them a network has only gone astray
SMALL = 0.1  # weights of the last layer at the start, relative to those of the first
SAME = 0.1  # standardised coordinates that move less than this are taken as they were
RIDGE = 1.0  # against a sum of squares over simulations
QUANTILES = 0.16, 0.5, 0.84
MANY_INPUTS = 64  # above it steps are smaller: each input adds its own


class MixtureNetwork(Posterior):
    """A recognition network whose posteriors are mixtures.

    For latents of real coordinates u and codes c (those of finite supports),
    ``q(u, c | x) = sum_b s_b prod_i Gaussian(u_i; m_bi, d_bi) prod_j p_bj(c_j)``.  Shares
    ``s_b``, means, standard deviations and probabilities are outputs of a network of one
    hidden layer that reads x.  It learns to predict the latents of simulations from their
    observations, by one step of Adam on the log density in each sleep phase.  Posteriors
    may have several modes, and latents may depend on each other, as far as `n_components`
    allows.  Not for latents without coordinates, such as whole numbers without a bound.

    Parameters
    ----------
    n_components : int, default=3
        Components of each mixture.
    n_hidden : int, default=64
        Width of the hidden layer (tanh).
    learning_rate : float, default=0.01
        Of the network's own Adam; where there are more than 64 inputs it is divided by the
        root of their number over 64, since each adds its own step.
    n_first_steps : int, default=200
        Steps of a new network.
    new_simulations : bool, default=True
        Whether each of the first steps is on as many new simulations as it is given, or all
        are on those given. These alone it learns by heart: what it says of other rows is
        then sure and wrong, which only helps to set rows apart where a model knows nothing
        of them yet.
    dtype : {"float64", "float32"}, default=None
        Precision of the network in training; None takes that of the model's decoder, where
        it has one, and else "float64".

    See Also
    --------
    skaws.posteriors.Resampled : Draws made sharper by the model's own log joint.

    Notes
    -----
    Inputs and coordinates are standardised by medians and central intervals of the first
    simulations.  Missing entries count as the median, and columns that had some then get
    an input that says which are missing.  Cost of an iteration:
    ``n * n_hidden * (d + n_components * (2 r + n_values))`` for n pairs of d inputs, r real
    coordinates and codes of ``n_values`` values in all.

    Bornschein & Bengio (2015), *Reweighted wake-sleep*; Bishop (1994), *Mixture density
    networks*.

    Examples
    --------
    The square of a latent has two roots, and so have posteriors:

    >>> from skaws.models import FunctionModel
    >>> from skaws.simulations import simulate
    >>> def sample(params, n_samples, rng):
    ...     z = rng.standard_normal((n_samples, 1))
    ...     return z, z**2 + 0.1 * rng.standard_normal(z.shape)
    >>> model, rng = FunctionModel(sample, None, None), np.random.default_rng(0)
    >>> pairs = simulate(model, {}, 2000, rng)
    >>> posterior = MixtureNetwork().fit(model, {}, pairs, rng)
    >>> draws, log_prob = posterior.sample(np.ones((1, 1)), 1000, rng)
    >>> draws.shape, log_prob.shape
    ((1000, 1, 1), (1000, 1))
    >>> bool(0.4 < np.mean(draws > 0) < 0.6 and np.median(abs(draws)).round(1) == 1.0)
    True
    """

    def __init__(
        self,
        n_components=3,
        n_hidden=64,
        learning_rate=0.01,
        n_first_steps=200,
        new_simulations=True,
        dtype=None,
    ):
        self.n_components = n_components
        self.n_hidden = n_hidden
        self.learning_rate = learning_rate
        self.n_first_steps = n_first_steps
        self.new_simulations = new_simulations
        self.dtype = dtype

    def suits(self, model, params, space):
        """Whether every latent is described by real coordinates and codes."""
        return space.has_coordinates

    def fit(self, model, params, simulations, rng, previous=None):
        """Train on simulations, and on the pairs that `previous` was given by ``keep``.

        Parameters
        ----------
        model : GenerativeModel
            What a new network simulates more pairs from; its decoder's precision counts.
        params : nested dict of arrays
            At which it does.
        simulations : Simulations
            Pairs and the space of the latents.
        rng : numpy.random.Generator
            Of the weights and simulations of a new network.
        previous : FittedNetwork, default=None
            To go on from, by one step; it remains as it is.  None, or one of another
            number of inputs, of latents that had other coordinates or of other settings,
            starts a new network with `n_first_steps`.

        Returns
        -------
        fitted : FittedNetwork

        Raises
        ------
        ValueError
            If latents "have no coordinates".
        """
        space = simulations.space
        if not space.has_coordinates:
            raise ValueError(
                "MixtureNetwork needs latents of real coordinates or of finitely many "
                f"values; those of {space.latent_support!r} have no coordinates. Declare "
                "another latent_support, or choose another posterior."
            )
        n_values = [len(alphabet) for alphabet in space.alphabets]
        family = Family(self.n_components, space.size, n_values)
        decoder = getattr(model, "decoder", None)
        dtype = self.dtype or getattr(decoder, "dtype", "float64")
        pairs, schedule = (simulations.latents, simulations.observations), Constant()
        if self._continues(previous, family, simulations, dtype):
            fitted, batches = previous, [previous.with_real_pairs(*pairs)]
        else:
            fitted = self._started(family, simulations, rng, dtype)
            batches = repeat(pairs, self.n_first_steps)
            if self.new_simulations:  # which make gradients noisy: steps end small
                batches = new_pairs(model, params, simulations, rng, self.n_first_steps)
                schedule = FixedLength(self.n_first_steps)
        n_inputs = fitted.network.widths[0]
        # A plain number: a NumPy scalar would raise the precision of the network.
        rate = self.learning_rate * min(1.0, float(np.sqrt(MANY_INPUTS / n_inputs)))
        for batch in batches:
            fitted = fitted.trained(space, *batch, rate * schedule.factor(0.0))
        fitted.teach_means(simulations)
        return fitted

    def _continues(self, previous, family, simulations, dtype):
        """Whether `previous` is a network of these settings, inputs and coordinates."""
        return (
            isinstance(previous, FittedNetwork)
            and previous.network.widths[1] == self.n_hidden
            and previous.network.vector.dtype == dtype
            and previous.family == family
            and len(previous.input_scale.centre) == simulations.observations.shape[1]
            and previous.has_coordinates_of(simulations)
        )

    def _started(self, family, simulations, rng, dtype):
        """A network that has not learnt anything yet."""
        input_scale = InputStandard(simulations.observations)
        widths = input_scale.n_inputs, self.n_hidden, family.size
        network = DenseNetwork(widths, rng, dtype=dtype)
        last_weight, last_bias = network.layers[-1]
        last_weight *= SMALL
        last_bias[:] = family.start(rng)
        space = simulations.space
        return FittedNetwork(
            space,
            family,
            network,
            Adam(),
            input_scale,
            Standard(space.flatten(simulations.latents)),
        )


def new_pairs(model, params, simulations, rng, n_batches):
    """Latents and observations of simulations, and of as many new ones again and again."""
    own = simulations.latents, simulations.observations
    for batch in range(n_batches):
        pairs = own
        if batch:
            pairs = draw(model, params, len(own[1]), rng, like=own[1])
        # Supports that were read off may be left.
        yield pairs if simulations.space.contains(pairs[0]) else own


class FittedNetwork(FittedPosterior):
    """Mixtures of each row.

    Parameters
    ----------
    space : Space
        Of the latents.
    family : Family
        What the network's outputs mean.
    network : DenseNetwork
        What was learnt.
    adam : Adam
        State of its training.
    input_scale : InputStandard
        Of the columns of X.
    latent_scale : Standard
        Of real coordinates.

    Examples
    --------
    See :class:`MixtureNetwork`.
    """

    def __init__(self, space, family, network, adam, input_scale, latent_scale):
        super().__init__(space)
        self.family = family
        self.network = network
        self.adam = adam
        self.input_scale = input_scale
        self.latent_scale = latent_scale
        self._real_pairs = self._simulations = None

    def __getstate__(self):
        # What was learnt goes into a pickle, rows that it was learnt from do not.
        return {**self.__dict__, "_real_pairs": None, "_simulations": None}

    def mean(self, X):
        """Latents at the mean of real coordinates, inside the support.

        Of codes the mean of their values, weighted by probability: a share, which need not
        be a value itself.

        Parameters
        ----------
        X : array of shape (m, n_features)
            Rows.

        Returns
        -------
        latents : array of shape (m, ...) or nested dict of arrays
        """
        mixture = self._mixture(X)
        real = self.latent_scale.undo(mixture.mean().T)
        no_codes = np.zeros((len(real), len(self.space.alphabets)), dtype=int)
        latents = self.space.unflatten(real, no_codes)
        if not self.space.alphabets:
            return latents
        return plus_columns(latents, mixture.chances().T @ value_columns(self.space))

    def inputs(self, X):
        """Posterior means of the latents' columns, by ridge regression on the hidden layer.

        Unlike the coordinates of a sphere they have no pole.

        Parameters
        ----------
        X : array of shape (m, n_features)
            Rows.

        Returns
        -------
        inputs : array of shape (m, n_columns)
        """
        return self._hidden(X) @ self._means

    def teach_means(self, simulations):
        """Take note of simulations that ``inputs`` are to be regressed on."""
        self._simulations = simulations.latents, simulations.observations

    @cached_property
    def _means(self):
        """Coefficients of the columns' means, for the hidden layer."""
        latents, observations = self._simulations
        hidden = self._hidden(observations)
        gram = hidden.T @ hidden + RIDGE * np.eye(hidden.shape[1])
        return np.linalg.solve(gram, hidden.T @ columns_of(latents))

    def _forward(self, X):
        return self.network.forward(self.input_scale.clipped(X, self.network.vector.dtype))

    def _hidden(self, X):
        """The hidden layer and a constant, (m, n_hidden + 1)."""
        hidden = self._forward(X)[-2]
        return np.column_stack([hidden, np.ones(len(hidden))]).astype(float)

    def sample(self, X, n_samples, rng, common=False):
        """Draws of each row's posterior, and their log density.

        Parameters
        ----------
        X : array of shape (m, n_features)
            Rows.
        n_samples : int
            Draws for each row.
        rng : numpy.random.Generator
            Source of randomness.
        common : bool, default=False
            Whether all rows share the same random numbers: what is said of a row then
            depends on that row alone.

        Returns
        -------
        latents : array of shape (n_samples, m, ...) or nested dict of arrays
        log_prob : array of shape (n_samples, m)
            Log density of natural latents, nats.
        """
        mixture = self._mixture(X)
        u, codes = mixture.draw(n_samples, rng, common)
        log_prob = mixture.log_density(u, codes)
        real = self.latent_scale.undo(as_rows(u))
        latents = self.space.unflatten(real, as_rows(codes))
        log_prob = log_prob - self._log_volume(real).reshape(log_prob.shape)
        shape = log_prob.shape
        latents = map_leaves(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), latents)
        return latents, log_prob

    def log_prob(self, latents, X):
        """Log density of latents, one row of them for each row of X.

        Parameters
        ----------
        latents : array of shape (m, ...) or nested dict of arrays
            Inside the support.
        X : array of shape (m, n_features)
            Rows.

        Returns
        -------
        log_prob : array of shape (m,)
            In nats.
        """
        real, codes = self.space.flatten(latents), self.space.codes(latents)
        u = self.latent_scale.apply(real)
        log_density = self._mixture(X).log_density(u.T[None], codes.T[None])[0]
        return log_density - self._log_volume(real)

    def keep(self, latents, X):
        """Let the next fit that goes on from this one learn from these pairs, too.

        Such as draws for real rows that were chosen by the model's log joint.  They are not
        pickled.

        Parameters
        ----------
        latents : array of shape (m, ...) or nested dict of arrays
            One draw for each row, inside the support.
        X : array of shape (m, n_features)
            Rows.
        """
        self._real_pairs = latents, X

    def with_real_pairs(self, latents, observations):
        """The pairs, and after them those of ``keep``."""
        if self._real_pairs is None:
            return latents, observations
        own, rows = self._real_pairs
        return stack([latents, own]), np.concatenate([observations, rows])

    def has_coordinates_of(self, simulations):
        """Whether the latents' real coordinates and codes mean what they did.

        Supports that are read off simulations are widened again and again by a little.
        """
        old, new = self.space, simulations.space
        if old.latent_support == new.latent_support:
            return True
        if not all(map(np.array_equal, old.alphabets, new.alphabets)):
            return False
        scales = (space.flatten(simulations.latents) for space in (old, new))
        before, now = map(self.latent_scale.apply, scales)
        return bool(np.all(np.median(np.abs(now - before), axis=0) < SAME))

    def trained(self, space, latents, observations, learning_rate):
        """A network that has taken one step more, on these pairs."""
        X = self.input_scale.clipped(observations, self.network.vector.dtype)
        u = self.latent_scale.clipped(space.flatten(latents)).astype(X.dtype).T.copy()
        codes = space.codes(latents).T.copy()
        network, adam = self.network, copy(self.adam)  # whose arrays are never changed
        adam.learning_rate = learning_rate
        values = network.forward(X)
        slope = self.family.slope(values[-1].T.copy(), u, codes)
        network = network.moved(adam.step(network.gradient(values, slope.T)))
        scales = self.input_scale, self.latent_scale
        return FittedNetwork(space, self.family, network, adam, *scales)

    def _mixture(self, X):
        outputs = self._forward(X)[-1]
        return self.family.mixture(np.array(outputs.T, dtype=float, order="C"))

    def _log_volume(self, real):
        """Logarithm of the volume of latents to that of standardised coordinates."""
        return self.space.log_det_jacobian(real) + np.sum(np.log(self.latent_scale.scale))


class Family:
    """How outputs of a network are read as mixtures.

    Arrays have rows along their last axis, where loops are fast.

    Parameters
    ----------
    n_components : int
        Components of a mixture.
    n_coordinates : int
        Real coordinates.
    n_values : list of int
        Number of values of each code.
    """

    def __init__(self, n_components, n_coordinates, n_values):
        self.n_components = n_components
        self.n_coordinates = n_coordinates
        self.n_values = tuple(n_values)
        # Codes with the same number of values share an array.
        self.groups = [
            (size, np.flatnonzero(np.equal(self.n_values, size)))
            for size in sorted(set(self.n_values))
        ]
        shapes = [(), (n_coordinates,), (n_coordinates,)]
        shapes += [(len(places), size) for size, places in self.groups]
        self._shapes = [(n_components, *shape) for shape in shapes]
        self._ends = np.cumsum([np.prod(shape, dtype=int) for shape in self._shapes])
        self.size = int(self._ends[-1])

    def __eq__(self, other):
        return self._layout == other._layout

    __hash__ = None

    @property
    def _layout(self):
        return self.n_components, self.n_coordinates, self.n_values

    def start(self, rng):
        """Biases of components that lie apart, with means -1, 0, 1 in a random order."""
        bias = np.zeros((self.size, 1))
        parts = self._split(bias)
        n = self.n_components
        if n > 1:
            signs = rng.choice([-1.0, 1.0], (1, self.n_coordinates, 1))
            parts.mean[:] = signs * np.linspace(-1, 1, n)[:, None, None]
            for logits in parts.logits:
                logits[:] = 0.5 * rng.standard_normal(logits.shape)
        return bias[:, 0]

    def mixture(self, outputs):
        """The mixtures of outputs, an array of shape (size, n) in double precision."""
        return Mixture(self, *self._terms(outputs))

    def slope(self, outputs, u, codes):
        """Derivative of the mean log density by the outputs.

        Parameters
        ----------
        outputs : array of shape (size, n)
            Of a network.
        u : array of shape (n_coordinates, n)
            Real coordinates.
        codes : int array of shape (n_codes, n)
            Numbers of values.

        Returns
        -------
        slope : array of shape (size, n)
        """
        log_share, mean, log_sd, log_chances = self._terms(outputs)
        precision, hits = np.exp(-log_sd), self._hits(codes, outputs.dtype)
        error = (u - mean) * precision
        square = error * error
        log_density = log_share - 0.5 * square.sum(axis=1) - log_sd.sum(axis=1)
        for log_chance, hit in zip(log_chances, hits, strict=True):
            log_density += np.einsum("bjvn,jvn->bn", log_chance, hit)
        # Each component's share in the density of a pair, and so in what is to be learnt.
        share = softmax(log_density) / outputs.shape[1]
        slope = np.empty_like(outputs)
        parts, bounded = self._split(slope), self._split(outputs).log_sd
        parts.log_share[:] = share - np.exp(log_share) / outputs.shape[1]
        share = share[:, None]
        parts.mean[:] = share * error * precision
        parts.log_sd[:] = inwards(share * (square - 1.0), bounded)
        for out, log_chance, hit in zip(parts.logits, log_chances, hits, strict=True):
            np.subtract(hit, np.exp(log_chance), out=out)
            out *= share[:, None]
        return slope

    def _hits(self, codes, dtype):
        """Ones at the values that codes have, of shapes (n_codes, n_values, n)."""
        return [
            (codes[places, None] == np.arange(size)[:, None]).astype(dtype)
            for size, places in self.groups
        ]

    def _terms(self, outputs):
        parts = self._split(outputs)
        log_sd = np.clip(parts.log_sd, *LOG_SDS)
        log_chances = [log_softmax(logits, axis=2) for logits in parts.logits]
        return log_softmax(parts.log_share), parts.mean, log_sd, log_chances

    def _split(self, array):
        """Views of the rows of an array of shape (size, n)."""
        start, parts = 0, []
        for end, shape in zip(self._ends, self._shapes, strict=True):
            parts.append(array[start:end].reshape(*shape, array.shape[1]))
            start = end
        return Parts(*parts[:3], parts[3:])


class Parts(NamedTuple):
    """Outputs of a network, cut into what they mean."""

    log_share: np.ndarray  # (n_components, n), up to a constant
    mean: np.ndarray  # (n_components, n_coordinates, n)
    log_sd: np.ndarray  # (n_components, n_coordinates, n)
    logits: list  # of arrays (n_components, n_codes, n_values, n)


class Mixture:
    """Mixtures of n rows, of shapes as in :class:`Parts`."""

    def __init__(self, family, log_share, mean, log_sd, log_chances):
        self.family = family
        self.log_share = log_share
        self.means = mean
        self.log_sd = log_sd
        self.log_chances = log_chances

    def _groups(self):
        return zip(self.family.groups, self.log_chances, strict=True)

    def mean(self):
        """Mean of real coordinates, (n_coordinates, n)."""
        return np.einsum("bn,bin->in", np.exp(self.log_share), self.means)

    def chances(self):
        """Probability of each value of each code in turn, (n_values, n)."""
        rows = [None] * len(self.family.n_values)
        for (_, places), log_chance in self._groups():
            means = np.einsum("bn,bjvn->jvn", np.exp(self.log_share), np.exp(log_chance))
            for place, mean in zip(places, means, strict=True):
                rows[place] = mean
        return np.concatenate(rows) if rows else np.zeros((0, self.log_share.shape[1]))

    def draw(self, n_samples, rng, common):
        """Coordinates (n_samples, n_coordinates, n) and codes (n_samples, n_codes, n)."""
        n = self.log_share.shape[1]
        width = 1 if common else n
        component = pick(np.exp(self.log_share), rng.random((n_samples, width)))
        noise = rng.standard_normal((n_samples, self.family.n_coordinates, width))
        u = choose(np.exp(self.log_sd), component) * noise
        u += choose(self.means, component)
        codes = np.zeros((n_samples, len(self.family.n_values), n), dtype=int)
        for (_, places), log_chance in self._groups():
            below = np.cumsum(np.exp(log_chance[:, :, :-1]), axis=2)
            uniform = rng.random((n_samples, len(places), width))
            for value in range(below.shape[2]):
                codes[:, places] += uniform > choose(below[:, :, value], component)
        return u, codes

    def log_density(self, u, codes):
        """Log density, (n_samples, n), of what ``draw`` returns."""
        precision = np.exp(-self.log_sd)
        level = self.log_share - self.log_sd.sum(axis=1)
        by_component = []
        for b in range(self.family.n_components):
            error = (u - self.means[b]) * precision[b]
            own = level[b] - 0.5 * np.sum(error * error, axis=1)
            for (_, places), log_chance in self._groups():
                own += log_chance_of(codes[:, places], log_chance[b])
            by_component.append(own)
        return log_sum(by_component) - 0.5 * LOG_2PI * self.family.n_coordinates


class Standard:
    """Columns in units that outliers do not change.

    The median counts as zero and half the central interval of 68% as one; where that is
    empty, mean and standard deviation.

    Parameters
    ----------
    columns : array of shape (n, n_columns)
        What the units are those of; NaN marks a missing entry.
    """

    def __init__(self, columns):
        centre, scale = np.zeros(columns.shape[1]), np.ones(columns.shape[1])
        for place, column in enumerate(columns.T):
            column = column[~np.isnan(column)]
            if len(column):
                centre[place], scale[place] = moments(column)
        self.centre = centre
        self.scale = scale

    def apply(self, columns, dtype="float64"):
        """Standardised columns; differences are taken before they are rounded."""
        standard = np.empty(columns.shape, dtype)
        np.subtract(columns, self.centre, out=standard, casting="same_kind")
        standard /= self.scale.astype(dtype)
        return standard

    def undo(self, columns):
        """Columns that were standardised."""
        return self.centre + self.scale * columns

    def clipped(self, columns):
        """Standardised columns, outliers brought in: they would teach too much."""
        standard = self.apply(columns)
        # Two of the sorted rows: numpy's quantiles take a third of an iteration.
        places = [int(share * (len(standard) - 1)) for share in QUANTILES]
        low, _, high = np.sort(standard, axis=0)[places]
        # By the columns' own interval: a model may have moved far from where it started.
        centre, reach = 0.5 * (low + high), 0.5 * CLIP * (high - low)
        reach = np.where(reach > 0, reach, np.inf)
        return np.clip(standard, centre - reach, centre + reach, out=standard)


class InputStandard(Standard):
    """What a network reads of rows: standardised columns, and which entries are missing.

    Missing entries are zero.  Each column that had some gets a second input, which says
    so: without it, with three entries of ten missing, posteriors were learnt to be up to a
    nat worse.  Centred indicators are learnt from in fewer steps than zeros and ones.
    """

    def __init__(self, columns):
        super().__init__(columns)
        share = np.isnan(columns).mean(axis=0)
        self.with_holes = np.flatnonzero(share)
        self.share = share[self.with_holes]
        self.n_inputs = columns.shape[1] + len(self.with_holes)

    def clipped(self, columns, dtype="float64"):
        """Inputs of a network, shape (n, n_inputs)."""
        inputs, missing = self.apply(columns, dtype), np.isnan(columns)
        inputs[missing] = 0.0
        if not len(self.with_holes):
            return inputs
        seen = (missing[:, self.with_holes] - self.share).astype(dtype)
        return np.hstack([inputs, seen])


def moments(column):
    """Centre and scale of numbers, of which a few may lie far out."""
    low, centre, high = np.quantile(column, QUANTILES)
    if high > low:
        return centre, 0.5 * (high - low)
    deviation = np.std(column)
    return np.mean(column), deviation if deviation > 0 else 1.0


def softmax(logits):
    """Shares along the first axis."""
    shares = np.exp(logits - logits.max(axis=0))
    shares /= shares.sum(axis=0)
    return shares


def log_softmax(logits, axis=0):
    """Logarithms of shares along an axis."""
    logits = logits - logits.max(axis=axis, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=axis, keepdims=True))
    return logits


def log_sum(logs):
    """Logarithm of the sum of the exponentials of several arrays."""
    if len(logs) == 1:
        return logs[0]
    top = np.maximum.reduce(logs)
    return top + np.log(sum(np.exp(log - top) for log in logs))


def inwards(slope, log_sd):
    """`slope`, but zero where it leads further beyond the bounds of standard deviations."""
    low, high = LOG_SDS
    slope[(log_sd > high) & (slope > 0)] = 0.0
    slope[(log_sd < low) & (slope < 0)] = 0.0
    return slope


def pick(chances, uniform):
    """Numbers of draws from `chances`, along the first axis, by `uniform` numbers."""
    below = np.cumsum(chances, axis=0)[:-1]
    picked = np.zeros((len(uniform), chances.shape[1]), dtype=int)
    for bound in below:
        picked += uniform > bound
    return picked


def choose(values, component):
    """`values` (n_components, k, n) of each draw's component: (n_samples, k, n)."""
    chosen = np.broadcast_to(values[0], (len(component), *values.shape[1:]))
    for b in range(1, len(values)):
        chosen = np.where((component == b)[:, None], values[b], chosen)
    return chosen


def log_chance_of(codes, log_chance):
    """Log probability (n_samples, n) of codes (n_samples, n_codes, n).

    That of each value is `log_chance`, of shape (n_codes, n_values, n).
    """
    total = 0.0
    for value in range(log_chance.shape[1]):
        total = total + np.einsum("sjn,jn->sn", codes == value, log_chance[:, value])
    return total


def as_rows(draws):
    """Draws (n_samples, k, n) as a table (n_samples * n, k)."""
    n_samples, n_columns, n = draws.shape
    return draws.transpose(0, 2, 1).reshape(n_samples * n, n_columns)


def value_columns(space):
    """What each value of each code adds to the columns of the latents of first values."""
    n_values = [len(alphabet) for alphabet in space.alphabets]
    codes = np.zeros((1 + sum(n_values), len(n_values)), dtype=int)
    place = 1
    for code, size in enumerate(n_values):
        codes[place : place + size, code] = np.arange(size)
        place += size
    columns = columns_of(space.unflatten(np.zeros((len(codes), space.size)), codes))
    return columns[1:] - columns[0]


def plus_columns(latents, columns):
    """Latents with a table of ``columns_of`` them added."""
    if not isinstance(latents, dict):
        return latents + columns.reshape(latents.shape)
    start, sums = 0, []
    for path, leaf in leaves(latents):
        stop = start + int(np.prod(leaf.shape[1:]))
        sums.append((path, leaf + columns[:, start:stop].reshape(leaf.shape)))
        start = stop
    return from_leaves(sums)
