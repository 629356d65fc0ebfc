"""A decoder out of plain functions."""

from .base import Decoder

__all__ = ["FunctionDecoder"]


class FunctionDecoder(Decoder):
    """Decoder made of plain functions.

    Parameters
    ----------
    location : callable
        ``location(params, latents) -> array of shape (n, n_features)``, written with
        ``autograd.numpy``.
    init_params : callable
        ``init_params(X, n_latents, rng) -> params``, a dict of arrays, empty where there
        are none.
    constraints : nested dict of Support, default=None
        What values each parameter may take, along the paths of the params. None: all are
        real.

    Raises
    ------
    TypeError
        If a function is none.

    Examples
    --------
    The two coordinates of an angle, at a distance that is learnt:

    >>> import autograd.numpy as anp
    >>> from skaws.supports import Positive
    >>> def circle(params, latents):
    ...     return params["radius"] * anp.hstack([anp.cos(latents), anp.sin(latents)])
    >>> decoder = FunctionDecoder(
    ...     circle, lambda X, n_latents, rng: {"radius": X.std()}, {"radius": Positive()}
    ... )
    >>> decoder.location({"radius": 2.0}, anp.zeros((1, 1))).tolist()
    [[2.0, 0.0]]
    """

    # Instances have the functions that they are made of; these names make the class whole.
    location = init_params = constraints = None

    def __init__(self, location, init_params, constraints=None):
        for name, function in (("location", location), ("init_params", init_params)):
            if not callable(function):
                raise TypeError(
                    f"{name} of FunctionDecoder must be a function; got {function!r}. Give "
                    "location(params, latents) and init_params(X, n_latents, rng)."
                )
        self.location = location
        self.init_params = init_params
        self.constraints = constraints
