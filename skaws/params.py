"""Parameters: nested dictionaries for people, one flat vector for optimisers.

This module is the only border between the two.  A *leaf* of a nested dictionary
is an array in natural coordinates; the vector holds all leaves, one after the
other in the dictionary's order, in unconstrained coordinates.
"""

import autograd.numpy as anp
import numpy as np

from .bijectors import Bijector, Identity

__all__ = ["ParameterSpace", "shift"]


def leaves(tree, path=()):
    """Yield ``(path, leaf)`` for every leaf of a nested dictionary."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def look_up(tree, path, default=None):
    """Entry of a nested dictionary at `path`, or `default` where there is none."""
    for key in path:
        if not isinstance(tree, dict) or key not in tree:
            return default
        tree = tree[key]
    return tree


def from_leaves(pairs):
    """Nested dictionary with the given ``(path, leaf)`` pairs."""
    tree = {}
    for path, leaf in pairs:
        branch = tree
        for key in path[:-1]:
            branch = branch.setdefault(key, {})
        branch[path[-1]] = leaf
    return tree


def shift(params, step, constraints):
    """Move every leaf of `params` by `step` in its unconstrained coordinates.

    Parameters
    ----------
    params : nested dict of arrays
        Parameters in natural coordinates.
    step : nested dict of arrays
        Displacements along the same paths, unconstrained; may be on the tape.
    constraints : nested dict of Bijector
        Bijectors along the same paths; ``Identity()`` where there is none.

    Returns
    -------
    params : nested dict of arrays
    """

    def moved(path, value):
        bijector = look_up(constraints, path, Identity())
        return bijector.forward(bijector.inverse(value) + look_up(step, path))

    return from_leaves((path, moved(path, value)) for path, value in leaves(params))


def check_forms(params, constraints):
    """Raise TypeError if `params` is no dict, or a constraint no bijector."""
    if not isinstance(params, dict):
        raise TypeError(
            f"params must be a dict of arrays, which may be nested; got {params!r}. Let "
            "init_params return one."
        )
    for path, bijector in leaves(constraints):
        if not isinstance(bijector, Bijector):
            raise TypeError(
                f"The constraint of {'.'.join(path)} must be a bijector, such as "
                f"Positive() of skaws.bijectors; got {bijector!r}."
            )


def as_numbers(value, path):
    """Float array of a leaf; raise TypeError if it holds anything but real numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"Parameter {'.'.join(path)} must be a number or an array of numbers; got "
            f"{value!r}. What is not learnt belongs into the functions, not into params."
        )
    return array.astype(float)


class ParameterSpace:
    """The border between named parameters and a flat unconstrained vector.

    Parameters
    ----------
    params : nested dict of arrays
        Any valid parameters; they fix paths, shapes and order.
    constraints : nested dict of Bijector, default=None
        Bijectors along the same paths; ``Identity()`` where there is none.

    Attributes
    ----------
    size : int
        Length of the vector.

    Raises
    ------
    TypeError
        If `params` is no dict, a leaf no array of real numbers, or a constraint no
        bijector.
    ValueError
        If a leaf "must be above 0", say, by its bijector and is not, if "constraints name"
        what "is not a parameter", or, in ``flatten``, if "params lack" one.

    Examples
    --------
    >>> from skaws.bijectors import Positive
    >>> space = ParameterSpace({"noise": np.ones(2), "mean": 0.5}, {"noise": Positive()})
    >>> space.flatten({"noise": np.ones(2), "mean": 0.5}).tolist()
    [0.0, 0.0, 0.5]
    >>> space.name(1)
    'noise[1]'
    """

    def __init__(self, params, constraints=None):
        constraints = constraints or {}
        check_forms(params, constraints)
        known = {path for path, _ in leaves(params)}
        unknown = [path for path, _ in leaves(constraints) if path not in known]
        if unknown:
            raise ValueError(
                f"constraints name {'.'.join(unknown[0])}, which is not a parameter; "
                f"the parameters are {sorted('.'.join(path) for path in known)}."
            )
        self._leaves, start = [], 0
        for path, value in leaves(params):
            shape = np.shape(value)
            stop = start + int(np.prod(shape))
            bijector = look_up(constraints, path, Identity())
            if not bijector.contains(as_numbers(value, path)):
                raise ValueError(
                    f"Parameter {'.'.join(path)} must be {bijector.support}; got "
                    f"values from {np.min(value):.3g} to {np.max(value):.3g}. Return "
                    "valid values from init_params or change its constraint."
                )
            self._leaves.append((path, shape, slice(start, stop), bijector))
            start = stop
        self.size = start

    def outside(self, params):
        """Name of a parameter that lies outside its support; None if there is none."""
        for path, _, _, bijector in self._leaves:
            if not bijector.contains(np.asarray(look_up(params, path), dtype=float)):
                return ".".join(path)
        return None

    def flatten(self, params):
        """Vector, shape (size,), of natural `params`."""
        given = {path for path, _ in leaves(params)}
        lacking = [path for path, *_ in self._leaves if path not in given]
        if lacking:
            raise ValueError(
                f"params lack {'.'.join(lacking[0])}; give a value for every parameter of "
                "the space."
            )
        parts = [
            np.ravel(bijector.inverse(np.asarray(look_up(params, path), dtype=float)))
            for path, _, _, bijector in self._leaves
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def unflatten(self, vector):
        """Natural params of a `vector`, shape (size,)."""
        return from_leaves(
            (path, bijector.forward(anp.reshape(vector[part], shape)))
            for path, shape, part, bijector in self._leaves
        )

    def split(self, vector):
        """Nested dictionary of the pieces of `vector`, left unconstrained."""
        return from_leaves(
            (path, anp.reshape(vector[part], shape))
            for path, shape, part, _ in self._leaves
        )

    def name(self, index):
        """Name of one coordinate of the vector, ``"decoder.mean[3]"``."""
        for path, shape, part, _ in self._leaves:
            if part.start <= index < part.stop:
                place = np.unravel_index(index - part.start, shape)
                return ".".join(path) + (f"[{', '.join(map(str, place))}]" if shape else "")
        raise IndexError(f"coordinate {index} is not below the size {self.size}")
