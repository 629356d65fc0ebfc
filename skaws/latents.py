"""Latents are an array, or a dictionary of arrays with a common first axis."""

import numpy as np

__all__ = ["arrays_of", "rows_of", "stack"]


def arrays_of(latents):
    """The arrays that latents consist of, as a list."""
    return list(latents.values()) if isinstance(latents, dict) else [latents]


def rows_of(latents, index):
    """Some rows of latents."""
    if isinstance(latents, dict):
        return {name: rows_of(array, index) for name, array in latents.items()}
    return latents[index]


def stack(blocks):
    """Blocks of latents, one after another, along the first axis."""
    if len(blocks) == 1:
        return blocks[0]
    if isinstance(blocks[0], dict):
        return {name: stack([block[name] for block in blocks]) for name in blocks[0]}
    return np.concatenate(blocks)
