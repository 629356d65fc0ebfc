"""A Gamma prior over non-negative components."""

from numbers import Real

import autograd.numpy as anp

__all__ = ["check_components_prior", "log_components_prior"]


def check_components_prior(pair):
    """Raise ValueError unless `pair` is None or two positive numbers."""
    if pair is None:
        return
    if len(pair) != 2 or not all(isinstance(p, Real) and p > 0 for p in pair):
        raise ValueError(
            "components_prior must be None or a tuple of two positive numbers, shape and "
            f"rate; got {pair!r}."
        )


def log_components_prior(shape, rate, n_rows, params):
    """Log density of the components for each of `n_rows`, without its constant."""
    components = params["decoder"]["components"]
    return anp.sum((shape - 1) * anp.log(components) - rate * components) / n_rows
