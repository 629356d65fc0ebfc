"""Correlated Gamma variables, for non-negative latents."""

import numpy as np
from scipy.special import gammaln

from ..regression import MultiplicativeMode
from .curvature import Curvature

__all__ = ["GammaProposal", "cube_draw"]

N_STEPS = 100  # towards the mode
DEFENSIVE = 0.2  # chance of a wide draw of a latent


class GammaProposal:
    """Correlated Gamma draws, about the mode and with the curvature there in log z.

    Each latent gets a Gamma distribution with the mode and the marginal curvature of the
    posterior of its logarithm: the prior itself where a row says nothing.  With a chance
    of `DEFENSIVE` the shape is the prior's instead, so that no tail is lighter than the
    posterior's.

    Draws are made by Marsaglia & Tsang's (2000) cube of a normal variable, without its
    rejections, which the weights make good; correlated normals correlate them.  Below a
    shape of one, a draw of shape + 1 is multiplied by a power of a uniform variable.

    Parameters
    ----------
    model : LatentVariableModel
        Gamma latents under a non-negative linear decoder.
    params : nested dict of arrays
        Its params.
    n_draws : int
        Draws for each row, an even number.
    """

    def __init__(self, model, params, n_draws):
        if n_draws % 2:
            raise ValueError(f"n_draws={n_draws} must be even.")
        self._model, self._params = model, params
        self._shape = model.prior.shapes(params["prior"])
        self._mode = MultiplicativeMode(N_STEPS).at(model, params)
        self._curvature = Curvature(params["decoder"]["components"])
        rng = np.random.default_rng(0)
        half = rng.standard_normal((n_draws // 2, len(self._shape)))
        self._normals = np.concatenate([half, -half])
        self._powers = rng.exponential(size=self._normals.shape)
        self._defensive = rng.random(self._normals.shape) < DEFENSIVE

    def __call__(self, X):
        mode = self._mode(X)
        narrow, factor = self._marginals(X, mode)
        # A shape below the prior's would only be rounding.
        pair = np.maximum(narrow, self._shape), np.broadcast_to(self._shape, mode.shape)
        constants = [gamma_constant(shape, shape / mode) for shape in pair]
        log_volume = np.sum(np.log(np.einsum("ikk->ik", factor)), axis=1)
        for normal, power, defensive in zip(
            self._normals, self._powers, self._defensive, strict=True
        ):
            shape = np.where(defensive, pair[1], pair[0])
            unit, correction = cube_draw(shape, factor @ normal, power)
            latents = np.maximum(unit * (mode / shape), 1e-300)
            narrow, wide = (
                constant + (shape - 1) * np.log(latents) - (shape / mode) * latents
                for shape, constant in zip(pair, constants, strict=True)
            )
            mixture = np.logaddexp(narrow + np.log1p(-DEFENSIVE), wide + np.log(DEFENSIVE))
            log_density = np.sum(mixture + correction, axis=1) - 0.5 * normal @ normal
            yield latents, log_density - log_volume

    def _marginals(self, X, mode):
        """Shape of each row's latents, and a factor of their correlation."""
        location = self._model.location(self._params, mode)
        noise = self._params.get("likelihood", {})
        information = self._model.likelihood.information(noise, location, np.nan_to_num(X))
        precision = self._curvature(information, X)
        precision *= mode[:, :, None] * mode[:, None, :]
        diagonal = np.einsum("ikk->ik", precision)
        diagonal += self._shape
        covariance = np.linalg.inv(precision)
        variance = np.einsum("ikk->ik", covariance)
        deviation = np.sqrt(variance)
        correlation = covariance / (deviation[:, :, None] * deviation[:, None, :])
        return 1 / variance, np.linalg.cholesky(correlation)


def gamma_constant(shape, rate):
    """What the log density of a Gamma variable has beside its argument."""
    return shape * np.log(rate) - gammaln(shape)


def cube_draw(shape, normal, power):
    """Variables near Gamma(shape), and log q(y) - log Gamma(y), entry by entry.

    y is the cube of a shifted normal variable with density q, and nearly Gamma itself; q
    lacks the exponential of the correlated normals.
    """
    small = shape < 1.0
    raised = shape + small
    d = raised - 1 / 3
    c = 1 / np.sqrt(9 * d)
    root = 1 + c * normal
    inside = root > 0
    root = np.where(inside, root, 1.0)
    y = d * root**3
    log_q = -0.5 * np.log(2 * np.pi) - np.log(3 * d * c * root**2)
    log_gamma = (raised - 1) * np.log(y) - y - gammaln(raised)
    # Weights of draws outside the support are zero.
    correction = np.where(inside, log_q - log_gamma, np.inf)
    return y * np.exp(np.where(small, -power / shape, 0.0)), correction
