"""What may go wrong in a turn of the loop, told with what to do about it."""

import numpy as np

__all__ = ["check_gradient", "check_params", "check_sample"]


def check_sample(model, observations, n_samples):
    """Raise if simulated observations have the wrong shape or are not finite."""
    name = f"sample of {type(model).__name__}"
    if np.ndim(observations) != 2 or len(observations) != n_samples:
        raise ValueError(
            f"{name} returned observations of shape {np.shape(observations)}, expected "
            f"({n_samples}, n_features): one row a sample, two axes."
        )
    if not np.isfinite(observations).all():
        raise FloatingPointError(
            f"{name} returned observations that are not finite. Lower learning_rate, "
            "or constrain the parameters that can make it overflow."
        )


def check_gradient(model, gradient, space):
    """Raise if a gradient is not finite, and say where."""
    bad = np.flatnonzero(~np.isfinite(gradient))
    if len(bad):
        raise FloatingPointError(
            f"The gradient of log_joint of {type(model).__name__} is not finite for "
            f"{space.name(bad[0])} ({len(bad)} of {space.size} parameters). Lower "
            "learning_rate, bound the parameter by a constraint, or, if log_joint is "
            "infinite at latent estimates, use ScalarForm(baseline=False)."
        )


def check_params(model, params, space):
    """Raise if a step has led outside the support of a parameter, or to its very edge."""
    name = space.outside(params)
    if name is not None:
        raise FloatingPointError(
            f"{name} of {type(model).__name__} came to the edge of its support. Lower "
            "learning_rate, or hold or bound the parameter."
        )
