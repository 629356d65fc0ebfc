"""A recognition network: Gaussian posteriors learnt from simulations, a step at a time."""

from itertools import pairwise

import numpy as np

from ..charts import GLOBAL_CHARTS, RealChart
from ..moments import column_units
from ..optimizers import Adam

__all__ = ["NetworkMean", "RecognitionDraw"]

N_FIRST_STEPS = 200  # on the simulations of the first sleep phase


class NetworkMean:
    """Estimate of the latents by a network of posterior means.

    The network has one hidden layer and gives independent Gaussians, means and deviations,
    of the latents given x.  It takes a step of Adam on the log density of the simulated
    latents in each sleep phase, and is carried on from one to the next as the model moves.

    Parameters
    ----------
    n_hidden : int, default=64
        Width of the hidden layer (tanh).
    learning_rate : float, default=0.01
        Of its own Adam.

    Examples
    --------
    A posterior mean that is bent:

    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-1, 1, (500, 1))
    >>> z = x**2 + 0.1 * rng.standard_normal((500, 1))
    >>> function, _ = NetworkMean().fit(None, None, z, x)
    >>> bool(abs(function(np.array([[0.5]]))[0, 0] - 0.25) < 0.05)
    True
    """

    def __init__(self, n_hidden=64, learning_rate=0.01):
        self.n_hidden = n_hidden
        self.learning_rate = learning_rate
        self._network = None

    def fit(self, model, params, latents, observations):
        """As :meth:`LatentEstimate.fit`; what was learnt before is kept."""
        n_steps = 1
        if self._network is None:
            self._network = Recognition(self, latents, observations)
            n_steps = N_FIRST_STEPS
        for _ in range(n_steps):
            self._network.step(latents, observations)
        return self._network.mean, self._network.mean(observations)


class RecognitionDraw:
    """Draws from each row's posterior: candidates of a network, one kept.

    The network gives independent Gaussians, from which candidates are drawn; one is kept
    by importance resampling, with a chance in proportion to ``p(z, x) / q(z | x)``.  Where
    the model says that its latents are positive or between 0 and 1 (``latent_support``),
    Gaussians are those of their logarithms or log odds.  The
    network takes a step in each sleep phase on the simulations and on the draws kept for
    the real rows of the last wake phase.  To climb the log joint at these draws is
    reweighted wake-sleep (Bornschein & Bengio, 2015).

    Regression inputs are the network's means.

    Parameters
    ----------
    n_candidates : int, default=5
        From how many candidates one is kept.
    n_hidden : int, default=64
        Width of the network's hidden layer (tanh).
    learning_rate : float, default=0.01
        Of the network's own Adam.

    Examples
    --------
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian
    >>> model = LatentVariableModel(Gaussian(1), Linear(), GaussianNoise())
    >>> decoder = {"components": np.ones((1, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> pairs = model.sample(params, 500, np.random.default_rng(0))
    >>> function, drawn = RecognitionDraw().fit(model, params, *pairs)
    >>> left_over = drawn - pairs[1].sum(axis=1, keepdims=True) / 4
    >>> bool(0.2 < left_over.var() < 0.3)  # the posterior's variance is 1 / 4
    True
    """

    def __init__(self, n_candidates=5, n_hidden=64, learning_rate=0.01):
        self.n_candidates = n_candidates
        self.n_hidden = n_hidden
        self.learning_rate = learning_rate
        self._rng = np.random.default_rng(0)
        self._network = None
        self._kept = None

    def __getstate__(self):
        # A fitted estimator keeps what was learnt, not rows that it was learnt from.
        return {**self.__dict__, "_kept": None}

    def fit(self, model, params, latents, observations):
        """As :meth:`LatentEstimate.fit`; what was learnt before is kept."""
        chart = GLOBAL_CHARTS.get(model.latent_support, RealChart)(None)
        coordinates, simulated, n_steps = chart.coordinates(latents), observations, 1
        own, bounds = coordinates, (coordinates.min(axis=0), coordinates.max(axis=0))
        if self._network is None:
            self._network = Recognition(self, coordinates, observations)
            n_steps = N_FIRST_STEPS
        if self._kept is not None:
            coordinates = np.concatenate([coordinates, self._kept[0]])
            observations = np.concatenate([observations, self._kept[1]])
        for _ in range(n_steps):
            self._network.step(coordinates, observations)
        draws = KeptDraws(self, model, params, chart, bounds)
        # Where no candidate has a density, the simulated latents do.
        return draws, chart.latents(draws.drawn(simulated, own))


class KeptDraws:
    """Draws at fixed params; those last made are remembered by the network's owner."""

    def __init__(self, owner, model, params, chart, bounds):
        self._owner = owner
        self._model, self._params = model, params
        self._chart, self._bounds = chart, bounds
        self._last, self._mean = None, None

    def inputs(self, X):
        """The network's means; rows just drawn for need not pass through it again."""
        return self._mean if X is self._last else self._owner._network.mean(X)

    def __call__(self, X):
        kept = self.drawn(X)
        self._owner._kept = kept, X
        return self._chart.latents(kept)

    def drawn(self, X, instead=None):
        """Coordinates of a draw for each row of X, which is not remembered.

        Where no candidate has a density, those of `instead`, or else of the network's mean,
        cut to the simulated range.
        """
        owner, rng = self._owner, self._owner._rng
        mean, deviation = owner._network.posterior(X)
        self._last, self._mean = X, mean
        white = rng.standard_normal((owner.n_candidates, *mean.shape))
        candidates = mean + deviation * white
        with np.errstate(all="ignore"):  # beyond the support anything may come out
            flat = candidates.reshape(-1, mean.shape[1])
            log_joint = self._log_density(flat, np.tile(X, (len(candidates), 1)))
            log_joint = log_joint.reshape(len(candidates), -1)
        score = log_joint + 0.5 * np.sum(white**2, axis=2)
        score = np.where(np.isfinite(score), score, -np.inf)
        # The largest of log weights with Gumbel noise falls on each in proportion.
        best = np.argmax(score + rng.gumbel(size=score.shape), axis=0)
        kept = candidates[best, np.arange(len(X))]
        lost = ~np.isfinite(score).any(axis=0)
        instead = np.clip(mean, *self._bounds) if instead is None else instead
        kept[lost] = instead[lost]
        return kept

    def _log_density(self, u, X):
        log_joint = self._model.log_joint(self._params, self._chart.latents(u), X)
        return log_joint + self._chart.log_volume(u)


class Recognition:
    """The network and the state of its training."""

    def __init__(self, description, latents, observations):
        self._latent_moments = column_units(latents)
        self._moments = column_units(observations)
        sizes = (observations.shape[1], description.n_hidden, 2 * latents.shape[1])
        rng = np.random.default_rng(0)
        self._layers = []
        for fan_in, fan_out in pairwise(sizes):
            self._layers.append(rng.standard_normal((fan_in, fan_out)) / np.sqrt(fan_in))
            self._layers.append(np.zeros(fan_out))
        self._layers[2] *= 0.1
        self._adam = Adam(description.learning_rate)

    def mean(self, X):
        """Posterior means of the rows of X."""
        centre, scale = self._latent_moments
        return centre + scale * self._forward(X)[-1][:, : len(centre)]

    def posterior(self, X):
        """Posterior means and deviations of the rows of X."""
        centre, scale = self._latent_moments
        mean, log_deviation = np.split(self._forward(X)[-1], 2, axis=1)
        return centre + scale * mean, scale * np.exp(np.clip(log_deviation, -6.0, 1.0))

    def step(self, latents, observations):
        """One step uphill on the mean log density of latents given observations."""
        inputs, hidden, output = self._forward(observations)
        mean, log_deviation = np.split(output, 2, axis=1)
        centre, scale = self._latent_moments
        # Deviations beyond these bounds would only come from a network gone astray.
        precision = np.exp(-np.clip(log_deviation, -6.0, 1.0))
        error = ((latents - centre) / scale - mean) * precision
        slope = np.hstack([error * precision, error**2 - 1.0]) / len(error)
        back = (slope @ self._layers[2].T) * (1.0 - hidden**2)
        gradients = [inputs.T @ back, back.sum(0), hidden.T @ slope, slope.sum(0)]
        move = self._adam.step(np.concatenate([part.ravel() for part in gradients]))
        ends = np.cumsum([part.size for part in gradients])[:-1]
        for layer, part in zip(self._layers, np.split(move, ends), strict=True):
            layer += part.reshape(layer.shape)

    def _forward(self, X):
        centre, scale = self._moments
        inputs = (X - centre) / scale
        inputs[np.isnan(inputs)] = 0.0
        weight, bias, last_weight, last_bias = self._layers
        hidden = np.tanh(inputs @ weight + bias)
        return inputs, hidden, hidden @ last_weight + last_bias
