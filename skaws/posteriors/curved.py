"""Spaces whose coordinates are best taken about each row: those of spheres."""

import numpy as np

from ..spaces import as_tree, leaves, rows_of
from ..supports import Sphere

__all__ = ["around", "is_curved", "sphere_coordinates", "sphere_paths"]


def sphere_paths(space):
    """Paths of the arrays of latents whose rows have length one."""
    supports = dict(leaves(as_tree(space.latent_support)))
    return [path for path in space.shapes if isinstance(supports[path], Sphere)]


def is_curved(space):
    """Whether coordinates about a row differ from those of the space."""
    return bool(sphere_paths(space))


def around(space, centre, index):
    """The space with coordinates about some rows of `centre`, where that matters."""
    return space.around(rows_of(centre, index)) if is_curved(space) else space


def sphere_coordinates(space):
    """Whether each real coordinate is one of a sphere, (size,)."""
    numbers = dict(leaves(space.split(np.arange(space.size)[None])))
    own = np.zeros(space.size, dtype=bool)
    for path in sphere_paths(space):
        own[np.ravel(numbers[path])] = True
    return own
