"""Blocks of latents and observations, and the log joint at all of them."""

from ..latents import stack

__all__ = ["check_log_joint", "log_joint_at"]


def log_joint_at(model, params, pairs):
    """Log joint at blocks of latents and observations, one after another."""
    latents, observations = map(stack, zip(*pairs, strict=True))
    values = model.log_joint(params, latents, observations)
    check_log_joint(model, values, len(observations))
    return values


def check_log_joint(model, values, n_pairs):
    """Raise if a log joint is not one value a pair."""
    shape = getattr(values, "shape", None)
    if shape != (n_pairs,):
        came = f"a {type(values).__name__}" if shape is None else f"shape {shape}"
        raise ValueError(
            f"log_joint of {type(model).__name__} returned {came}, expected ({n_pairs},): "
            "an array of one value a pair; sum over features with axis=1."
        )
