"""Positive parts that add up, and the total that each adds to a row."""

import autograd.numpy as anp
import numpy as np
from scipy.special import polygamma
from sklearn.utils.metaestimators import available_if

from ..posteriors.linear_gaussian import LinearMoments
from ..spaces import Space, look_up, shift
from ..supports import Positive
from .base import GenerativeModel
from .source_factors import bounded

__all__ = ["AdditiveParts"]

STEP = 1e-4  # of a finite difference
MOST_NOISE_PARAMS = 4  # whose information is measured
LONGEST = 0.2  # relative step
RIDGE = 1e-3  # share of the diagonal of a block
OF_ALLOCATION = 0.03  # share of EM's information, which keeps small entries in bounds
TINY = 1e-12  # of the largest


class AdditiveParts(GenerativeModel):
    """A model of positive parts, with what each part adds to a row for latents.

    The same as the `model` inside, of Gamma latents z of mean one under non-negative
    components, but for the latents: they are centred, ``y = z * size``.
    How large a part is then stands in their prior alone.  Many counts tell y exactly, and
    z only as far as the size of the part is known: with z for latents, sizes of parts
    hardly move.

    Parameters
    ----------
    model : LatentVariableModel
        Of a :class:`skaws.priors.Gamma` prior, a ``Linear(nonnegative=True)`` decoder and a
        likelihood with ``slopes``.
    seen : array of shape (n_features,), default=None
        Share of the rows in which each column is observed; None is all.
    units : array of shape (n_features,), default=None
        Units of the columns; None is one. The size of a part is the sum of its components
        in these units, as far as they are seen.
    n_fixed : int, default=0
        Number of parts, the first, whose components keep their proportions in steps by
        :meth:`move_in_units`; their sizes are learnt.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Poisson
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gamma
    >>> parts = Gamma(1), Linear(nonnegative=True), Poisson()
    >>> model = AdditiveParts(LatentVariableModel(*parts))
    >>> params = {"prior": {"shape": np.ones(1)}}
    >>> params["decoder"] = {"components": np.array([[30.0, 70.0]])}
    >>> totals, X = model.sample(params, 1000, np.random.default_rng(0))
    >>> bool(abs(totals.mean() - 100) < 10)
    True
    """

    allows_missing = True
    latent_support = Positive()

    def __init__(self, model, seen=None, units=None, n_fixed=0):
        self.model = model
        self.seen = seen
        self.units = units
        self.n_fixed = n_fixed

    def sizes(self, params):
        """Size of each part, (k,); on autograd's tape."""
        components = params["decoder"]["components"]
        return anp.dot(components, self._weights(components.shape[1]))

    def _weights(self, n_features):
        seen = np.ones(n_features) if self.seen is None else self.seen
        return seen if self.units is None else seen / self.units

    @property
    def prior(self):
        return self.model.prior

    @property
    def decoder(self):
        return self.model.decoder

    @property
    def likelihood(self):
        return self.model.likelihood

    @property
    def constraints(self):
        return self.model.constraints

    def init_params(self, X, rng):
        return self.model.init_params(X, rng)

    def sample(self, params, n_samples, rng):
        latents, observations = self.model.sample(params, n_samples, rng)
        return latents * self.sizes(params), observations

    def mean(self, params, latents):
        return self.model.mean(params, latents / self.sizes(params))

    def observe(self, params, latents, rng):
        return self.model.observe(params, latents / self.sizes(params), rng)

    def log_joint(self, params, latents, observations):
        size = self.sizes(params)
        own = self.model.log_joint(params, latents / size, observations)
        return own - anp.sum(anp.log(size))

    @available_if(lambda self: hasattr(self.model, "log_prior"))
    def log_prior(self, params):
        """That of the model inside."""
        return self.model.log_prior(params)

    def linear_moments(self, params):
        """Linear map from latents to x, and the moments of latents and noise."""
        inside, size = self.model.linear_moments(params), self.sizes(params)
        return LinearMoments(
            inside.mean,
            inside.components / size[:, None],
            inside.latent_mean * size,
            inside.latent_factor * size,
            inside.noise_variance,
        )

    def move(self, params, step):
        return self.model.move(params, step)

    def move_in_units(self, params, step, information):
        """As :meth:`move`, in units of information that was measured.

        Parameters
        ----------
        params, step : nested dicts of arrays
            Natural values, and a step along the same paths.
        information : PartsInformation
            Running mean of what :meth:`information` returned.
        """
        components = params["decoder"]["components"]
        weighted = components * self._weights(components.shape[1])
        shares = weighted / np.sum(weighted, axis=1, keepdims=True)
        axes = shares / np.linalg.norm(shares, axis=1, keepdims=True)
        own = step["decoder"]["components"]
        along = anp.sum(axes * own, axis=1, keepdims=True)
        roots = information.roots(components)
        within = anp.einsum("dkl,ld->kd", roots, own - along * axes)
        within = within - anp.sum(shares * within, axis=1, keepdims=True)
        relative = bounded(within, LONGEST)
        if self.n_fixed:
            relative = relative * (np.arange(len(components)) >= self.n_fixed)[:, None]
        along = along / np.sqrt(information.size)[:, None]
        relative = relative + bounded(along, LONGEST)
        moved = {**step, "decoder": {"components": relative}}
        for name, found in information.others.items():
            unit, path = 1 / np.sqrt(found), name.split(".")
            moved[path[0]] = {
                **moved[path[0]],
                path[1]: bounded(unit * look_up(step, path), LONGEST),
            }
        return shift(params, moved, self.constraints)

    def information(self, params, latents, X, weights):
        """Information about a row, in units of relative steps, at weighted latents of rows.

        Parameters
        ----------
        params : nested dict of arrays
            Natural values.
        latents : array of shape (n_draws, m, k)
            Draws for each row.
        X : array of shape (m, n_features)
            Real rows.
        weights : array of shape (n_draws, m)
            Weights of the draws; they sum to about one.

        Returns
        -------
        information : PartsInformation
        """
        z = latents / self.sizes(params)
        of_rows = np.sum(weights, axis=0)
        of_draws = weights / np.where(of_rows > 0, of_rows, 1.0)
        of_rows = of_rows / np.sum(of_rows)
        mean = np.einsum("sm,smk->mk", of_draws, z)
        noise, components = params.get("likelihood", {}), params["decoder"]["components"]
        location, missing = mean @ components, np.isnan(X)
        precision = 1 / self.likelihood.noise_variance(noise, location)
        filled = np.where(missing, location, X)
        down = self.likelihood.slopes(noise, location, filled)[1] * np.ones(X.shape)
        pairs = (mean[:, :, None] * mean[:, None, :]).reshape(len(X), -1)
        rows, k = of_rows[:, None], len(components)
        here = rows * ~missing
        if self.seen is not None and missing.any():
            # What a batch lacks of a rare column is no reason for long steps.
            found = np.sum(here, axis=0)
            rows = np.where(found >= self.seen, here, rows * self.seen)
        else:
            rows = here
        return PartsInformation(
            ((rows * precision).T @ pairs).reshape(-1, k, k),
            (rows * down).T @ mean,
            self.prior.shapes(params["prior"]) * np.ones(k),
            self._others(params, latents, X, of_draws, of_rows),
        )

    def _others(self, params, latents, X, of_draws, of_rows):
        """Information of real coordinates of shapes, and of the likelihood's params."""
        found, support = {}, self.prior.constraints["shape"]
        shape = params["prior"]["shape"]
        if support.real_shape(np.shape(shape)) != (0,):
            ones = np.full(np.shape(shape), STEP)
            slope = np.log(support.move(shape, ones) / support.move(shape, -ones))
            of_log = shape**2 * polygamma(1, shape) - shape
            shared = len(params["decoder"]["components"]) / np.size(shape)
            found["prior.shape"] = shared * of_log * (slope / (2 * STEP)) ** 2
        own = Space(params.get("likelihood", {}), self.likelihood.constraints)
        if 0 < own.size <= MOST_NOISE_PARAMS:
            centre = own.flatten(params["likelihood"])
            squares = [
                of_rows @ self._scores(params, own, centre, one, latents, X, of_draws) ** 2
                for one in np.eye(own.size)
            ]
            names = own.split(np.array(squares))
            found.update({f"likelihood.{name}": value for name, value in names.items()})
        return found

    def _scores(self, params, own, centre, direction, latents, X, of_draws):
        """Score of each row along a direction of the likelihood's real coordinates."""
        flat = latents.reshape(-1, latents.shape[-1])
        tiled = np.tile(X, (len(latents), 1))
        above, below = (
            self.log_joint(
                {**params, "likelihood": own.unflatten(centre + sign * STEP * direction)},
                flat,
                tiled,
            )
            for sign in (1, -1)
        )
        slopes = ((above - below) / (2 * STEP)).reshape(of_draws.shape)
        return np.sum(of_draws * slopes, axis=0)


class PartsInformation:
    """Information of one row about steps of :class:`AdditiveParts`.

    Parameters
    ----------
    blocks : array of shape (d, k, k)
        About the entries of each column.
    allocation : array of shape (d, k)
        Expected slope of each: that of its logarithm is EM's information.
    size : array of shape (k,)
        About relative steps of whole parts.
    others : dict of arrays
        About real coordinates of other params, by name (``"prior.shape"``).
    """

    def __init__(self, blocks, allocation, size, others):
        self.blocks = blocks
        self.allocation = allocation
        self.size = size
        self.others = others
        self._roots = None, None

    def averaged(self, fresh, share):
        """Running mean with a later one."""

        def mean(before, now):
            return before + share * (now - before)

        return PartsInformation(
            mean(self.blocks, fresh.blocks),
            mean(self.allocation, fresh.allocation),
            fresh.size,
            {path: mean(self.others[path], now) for path, now in fresh.others.items()},
        )

    def at_least(self, fresh):
        """The same, but where a batch shows more than most do, what it shows."""
        traces = [np.einsum("dkk->d", one.blocks) for one in (self, fresh)]
        more = traces[1] > traces[0]
        return PartsInformation(
            np.where(more[:, None, None], fresh.blocks, self.blocks),
            np.maximum(self.allocation, fresh.allocation),
            self.size,
            {
                path: np.maximum(self.others[path], now)
                for path, now in fresh.others.items()
            },
        )

    def roots(self, components):
        """Inverse roots of the information about relative steps, (d, k, k)."""
        if self._roots[0] is not components:
            entries = components.T
            blocks = self.blocks * entries[:, :, None] * entries[:, None, :]
            diagonal = np.einsum("dkk->dk", blocks)
            diagonal += RIDGE * diagonal + OF_ALLOCATION * entries * self.allocation
            diagonal += TINY * (diagonal.max() or 1.0)
            inverse = np.linalg.inv(np.linalg.cholesky(blocks))
            self._roots = components, np.swapaxes(inverse, 1, 2)
        return self._roots[1]
