"""Which posterior suits a model."""

from sklearn.base import clone

from ..simulations import latent_space
from .enumeration import Enumeration
from .exact import Exact
from .gamma import Gamma
from .laplace import Laplace
from .linear_gaussian import LinearGaussian
from .logit import Logit
from .network import MixtureNetwork
from .none import NoPosterior
from .robust import Robust
from .wide import Wide
from .windowed import Windowed

__all__ = ["SHELF", "posterior_for"]

#: Posteriors for what is said of rows, the first that suits a model is taken.
SHELF = (
    Exact(),
    Enumeration(),
    Gamma(n_steps=100),
    Logit(n_steps=100),
    Wide(Robust()),
    Wide(LinearGaussian()),
    Windowed(),
    Laplace(),
    MixtureNetwork(),
    NoPosterior(),
)


def posterior_for(model, params, space=None):
    """The posterior that suits a model best, to be fitted.

    Parameters
    ----------
    model : GenerativeModel
        Any model.
    params : nested dict of arrays
        Its params.
    space : Space, default=None
        Of its latents; None finds it (:func:`skaws.simulations.latent_space`).

    Returns
    -------
    posterior : Posterior
        Exact where there is a formula or few values to sum over; else one that importance
        sampling can draw from; ``NoPosterior()`` where there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from skaws.decoders import Linear
    >>> from skaws.likelihoods import Gaussian as GaussianNoise
    >>> from skaws.models import LatentVariableModel
    >>> from skaws.priors import Gaussian, Laplace
    >>> decoder = {"components": np.ones((2, 3)), "mean": np.zeros(3)}
    >>> params = {"decoder": decoder, "likelihood": {"noise_variance": 1.0}}
    >>> for prior in (Gaussian(2), Laplace(2)):
    ...     model = LatentVariableModel(prior, Linear(), GaussianNoise())
    ...     print(posterior_for(model, params))
    Exact()
    Wide(posterior=LinearGaussian())
    """
    space = latent_space(model, params) if space is None else space
    suitable = (own for own in SHELF if own.suits(model, params, space))
    return clone(next(suitable))
