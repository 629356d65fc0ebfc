"""A composed model with a prior over its components."""

import autograd.numpy as anp

from .composed import LatentVariableModel

__all__ = ["ComponentsPrior"]


class ComponentsPrior(LatentVariableModel):
    """A model with a Gamma prior over the entries of its non-negative components.

    Fits are then maximum a posteriori.

    Parameters
    ----------
    prior, decoder, likelihood
        As of :class:`skaws.models.LatentVariableModel`; the decoder has ``components``.
    shape, rate : float
        Of the Gamma distribution, both positive.

    Examples
    --------
    >>> import numpy as np
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Poisson
    >>> from skaws.priors import Gamma
    >>> parts = Gamma(1), Linear(nonnegative=True), Poisson()
    >>> model = ComponentsPrior(*parts, shape=1.0, rate=2.0)
    >>> float(model.log_prior({"decoder": {"components": np.array([[1.0, 3.0]])}}))
    -8.0
    """

    def __init__(self, prior, decoder, likelihood, shape, rate):
        super().__init__(prior, decoder, likelihood)
        self.shape = shape
        self.rate = rate

    def log_prior(self, params):
        """Log density of the components in nats, without its constant."""
        components = params["decoder"]["components"]
        return anp.sum((self.shape - 1) * anp.log(components) - self.rate * components)
