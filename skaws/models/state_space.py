"""State space models: a path of latents, each time seen through a likelihood."""

from numbers import Integral

import autograd.numpy as anp
import numpy as np

from ..decoders.linear import LinearDynamics
from ..likelihoods.gaussian import Gaussian
from ..priors.base import check_prior
from ..supports import OneHot, Real
from .base import GenerativeModel
from .composed import check_locations, log_density_of_seen

__all__ = ["StateSpaceModel"]

N_PATHS = 1000  # simulated for the start


class StateSpaceModel(GenerativeModel):
    """Latents that move from time to time, each time seen through a likelihood.

    ``z_1 ~ initial``, ``z_t ~ process_noise(dynamics(z_{t-1}))``,
    ``x_t ~ likelihood(decoder(z_t))``, with independent entries given their locations.
    Dynamics and decoder are maps, both of :mod:`skaws.decoders`; the two noises are of
    :mod:`skaws.likelihoods`.  By default it is the linear Gaussian one, of which the Kalman
    smoother knows the posterior.

    Rows are series of `n_times` times, ``(n_series, n_times * n_columns)``, all columns of
    the first time first; missing entries (NaN) drop out, and so do whole times.  Latents
    are paths, ``(n_series, n_times, n_latents)``.

    Parameters
    ----------
    initial : Prior
        Distribution of the latents at the first time. It fixes their scale.
    decoder : Decoder
        Map from the latents of a time to the location of its observations.
    likelihood : Likelihood
        Distribution of the entries of a time around their locations.
    n_times : int
        Number of times, at least 2.
    dynamics : Decoder, default=LinearDynamics()
        Map from the latents of a time to where those of the next are expected.
    process_noise : Likelihood, default=Gaussian()
        Distribution of latents around where they are expected, differentiable in them:
        ``Gaussian``, ``StudentT``, or one of your own.

    Raises
    ------
    TypeError
        If a part is no such part, or `n_times` no int.
    ValueError
        If `n_times` is below 2, X has no multiple of `n_times` columns, or locations are
        outside the support that a likelihood takes.

    See Also
    --------
    skaws.AmortisedSimulator : Series of a simulator without densities, of few parameters.
    skaws.posteriors.Windowed : The posterior of paths, chosen where latents are real.

    Notes
    -----
    Params are ``initial``, ``dynamics``, ``process_noise``, ``decoder`` and ``likelihood``,
    each the dict of its part.  Linear Gaussian models are known up to a linear map of the
    latents that keeps the first time's distribution: a rotation.

    Examples
    --------
    Ten series of two columns, with a hole:

    >>> from skaws.decoders import Linear
    >>> from skaws.priors import Gaussian as GaussianStart
    >>> model = StateSpaceModel(GaussianStart(1), Linear(), Gaussian(), n_times=20)
    >>> rng = np.random.default_rng(0)
    >>> params = model.init_params(rng.standard_normal((10, 40)), rng)
    >>> params["dynamics"]["transition"].tolist()
    [[0.9]]
    >>> latents, x = model.sample(params, 3, rng)
    >>> latents.shape, x.shape
    ((3, 20, 1), (3, 40))
    >>> x[0, 5] = np.nan
    >>> model.log_joint(params, latents, x).shape
    (3,)
    """

    allows_missing = True

    def __init__(
        self, initial, decoder, likelihood, n_times, dynamics=None, process_noise=None
    ):
        self.initial = initial
        self.decoder = decoder
        self.likelihood = likelihood
        self.n_times = n_times
        self.dynamics = dynamics
        self.process_noise = process_noise
        self._check_parts()

    def _check_parts(self):
        check_prior(self.initial)
        if not isinstance(self.n_times, Integral):
            raise TypeError(
                f"n_times must be an int, the number of times; got {self.n_times!r}."
            )
        if self.n_times < 2:
            raise ValueError(f"n_times must be 2 or more; got {self.n_times}.")
        if isinstance(self.initial.support, OneHot):
            raise ValueError(
                "Labels have no dynamics that a decoder could say. Write such a model as a "
                "FunctionModel; latents are then one-hot, (n, n_times, n_labels)."
            )
        check_locations(self.initial, *self._motion)
        check_locations(self.initial, self.decoder, self.likelihood)

    @property
    def _motion(self):
        """Dynamics and process noise, the default ones where none were given."""
        dynamics = LinearDynamics() if self.dynamics is None else self.dynamics
        noise = Gaussian() if self.process_noise is None else self.process_noise
        return dynamics, noise

    @property
    def constraints(self):
        dynamics, process_noise = self._motion
        parts = {
            "initial": self.initial,
            "dynamics": dynamics,
            "process_noise": process_noise,
            "decoder": self.decoder,
            "likelihood": self.likelihood,
        }
        own = {name: part.constraints for name, part in parts.items()}
        return {name: constraints for name, constraints in own.items() if constraints}

    @property
    def latent_support(self):
        # Noise may leave a narrower support than the real line: simulations show.
        return Real() if isinstance(self.initial.support, Real) else None

    def init_params(self, X, rng):
        self._check_parts()  # they may have been set since
        X = np.asarray(X, dtype=float)
        rows = self._folded(X)
        dynamics, process_noise = self._motion
        initial = self.initial.init_params(rows, rng)
        n_latents = self.initial.n_latents
        first = self.initial.sample(initial, N_PATHS, rng)
        params = {
            "initial": initial,
            "dynamics": dynamics.init_params(first, n_latents, rng),
        }
        expected = dynamics.location(params["dynamics"], first)
        if expected.shape[1] != n_latents:
            raise ValueError(
                f"dynamics={dynamics} gives {expected.shape[1]} columns, but there are "
                f"{n_latents} latents. Give a map from latents to as many."
            )
        params["process_noise"] = process_noise.init_params(first, expected, rng)
        locations = self.likelihood.location_of(rows)
        params["decoder"] = self.decoder.init_params(locations, n_latents, rng)
        latents = self._path(params, N_PATHS, rng).reshape(-1, n_latents)
        location = self.decoder.location(params["decoder"], latents)
        if location.shape[1] != rows.shape[1]:
            raise ValueError(
                f"decoder={self.decoder} gives {location.shape[1]} columns a time, but X "
                f"has {X.shape[1]}, {rows.shape[1]} at each of {self.n_times} times. Give "
                "a decoder with params, or another n_times."
            )
        params["likelihood"] = self.likelihood.init_params(rows, location, rng)
        return params

    def _folded(self, X):
        """Times as rows, (n * n_times, n_columns)."""
        if X.shape[1] % self.n_times:
            raise ValueError(
                f"X has {X.shape[1]} columns, which is no multiple of n_times="
                f"{self.n_times}. Rows of X must be series: all columns of the first time, "
                "then those of the second, and so on; NaN where they end early."
            )
        return X.reshape(len(X) * self.n_times, -1)

    def _path(self, params, n_samples, rng):
        """Draw latents (n_samples, n_times, n_latents)."""
        dynamics, process_noise = self._motion
        path = [self.initial.sample(params.get("initial", {}), n_samples, rng)]
        for _ in range(self.n_times - 1):
            expected = dynamics.location(params.get("dynamics", {}), path[-1])
            own = params.get("process_noise", {})
            path.append(process_noise.sample(own, expected, rng))
        return np.stack(path, axis=1)

    def sample(self, params, n_samples, rng):
        latents = self._path(params, n_samples, rng)
        return latents, self.observe(params, latents, rng)

    def observe(self, params, latents, rng):
        own = params.get("likelihood", {})
        observed = self.likelihood.sample(own, self._by_time(params, latents), rng)
        return observed.reshape(len(latents), -1)

    def mean(self, params, latents):
        own = params.get("likelihood", {})
        expected = self.likelihood.mean(own, self._by_time(params, latents))
        return expected.reshape(len(latents), -1)

    def log_joint(self, params, latents, observations):
        dynamics, process_noise = self._motion
        n_latents = latents.shape[2]
        before = anp.reshape(latents[:, :-1], (-1, n_latents))
        after = anp.reshape(latents[:, 1:], (-1, n_latents))
        expected = dynamics.location(params.get("dynamics", {}), before)
        own = params.get("process_noise", {})
        steps = process_noise.log_density(own, expected, after)
        location = self.location(params, latents)
        X = self._folded(observations)
        entries = log_density_of_seen(
            self.likelihood,
            params.get("likelihood", {}),
            anp.reshape(location, X.shape),
            X,
        )
        return (
            self.initial.log_density(params.get("initial", {}), latents[:, 0])
            + anp.sum(anp.reshape(steps, (len(latents), -1)), axis=1)
            + anp.sum(anp.reshape(entries, (len(latents), -1)), axis=1)
        )

    def location(self, params, latents):
        return anp.reshape(self._by_time(params, latents), (len(latents), -1))

    def _by_time(self, params, latents):
        """Locations with times as rows, (n * n_times, n_columns)."""
        rows = anp.reshape(latents, (-1, latents.shape[2]))
        return self.decoder.location(params.get("decoder", {}), rows)

    def move(self, params, step):
        """Steps of the decoder are in units of the noise, those of the rest absolute."""
        if "decoder" in step:
            scale = self.likelihood.scale(params.get("likelihood", {}))
            step = {**step, "decoder": self.decoder.in_units(step["decoder"], scale)}
        return super().move(params, step)
