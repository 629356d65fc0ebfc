"""
A latent on a circle
====================

The orientation of a grating returns to where it started after half a turn.  A Gaussian
latent cannot: somewhere it would have to tear the circle.  A prior on the unit circle can,
and the learner needs to know nothing else of the pictures.

This is the second experiment of the paper: pictures of gratings at random orientations, a
uniform prior on the circle, and a network for a decoder.
"""

# %%
# The model
# ---------
# ``z = (sin a, cos a)`` with a uniform angle, ``x = network(z) + noise``.

import sys
from itertools import islice
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from skaws import AmortisedLearner
from skaws.decoders import MLP
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.objectives import ImportanceSampling
from skaws.optimizers import Adam
from skaws.posteriors import NoPosterior
from skaws.priors import UniformCircle
from skaws.regression import MeanRegression
from skaws.wake_sleep import wake_sleep

SIDE = 16


class RandomStart(LatentVariableModel):
    """The same model, whose network starts as if it had never seen X."""

    def init_params(self, X, rng):
        params = super().init_params(X, rng)
        last = list(params["decoder"])[-1]
        weight = params["decoder"][last]["weight"]
        drawn = 0.1 * rng.standard_normal(weight.shape) / np.sqrt(len(weight))
        params["decoder"][last] = {"weight": drawn, "bias": X.mean(axis=0)}
        params["likelihood"]["noise_variance"] = np.var(X)
        return params


def circle_model(n_hidden, kind=LatentVariableModel):
    return kind(UniformCircle(), MLP((n_hidden,)), GaussianNoise())


# %%
# The pictures
# ------------
# Gabor patches, a pattern each at an orientation from 0 to 180 degrees.


def gabors(orientation):
    """Pictures, (n, 256), of gratings at the given orientations in radians."""
    grid = np.linspace(-1, 1, SIDE)
    x, y = (side.ravel() for side in np.meshgrid(grid, grid))
    across = np.outer(np.cos(orientation), x) + np.outer(np.sin(orientation), y)
    along = np.outer(np.cos(orientation), y) - np.outer(np.sin(orientation), x)
    envelope = np.exp(-(across**2 + 0.64 * along**2) / 0.18)
    return envelope * np.cos(2 * np.pi * across)


def on_circle(angle):
    return np.column_stack([np.sin(angle), np.cos(angle)])


# %%
# What must hold
# --------------
# Going once round the latent circle, decoded pictures must go once round orientations,
# smoothly and without turning back, be clean gratings, and come in all orientations alike.


def figures(decode):
    """Winding number, share of steps forward, largest step, error, evenness."""
    angles = np.radians(np.arange(0, 360, 5))
    orientation, error = nearest(decode(on_circle(angles)))
    steps = np.diff(np.append(orientation, orientation[0]))
    steps = (steps + np.pi / 2) % np.pi - np.pi / 2
    winding = steps.sum() / np.pi
    rng = np.random.default_rng(0)
    drawn, _ = nearest(decode(UniformCircle().sample({}, 5000, rng)))
    counts = np.histogram(drawn, 10, (0, np.pi))[0]
    return {
        "times round": round(float(winding), 3),
        "steps forward": float(np.mean(steps * np.sign(winding) >= -1e-9)),
        "largest step (degrees)": float(np.degrees(np.abs(steps).max())),
        "error of a pixel": float(np.median(error)),
        "most over fewest of ten bins": float(counts.max() / max(counts.min(), 1)),
    }


def nearest(pictures):
    """Orientation of the grating nearest to each picture, and the error of a pixel."""
    orientations = np.linspace(0, np.pi, 1440, endpoint=False)
    clean = gabors(orientations)
    square = np.sum(pictures**2, axis=1)[:, None] + np.sum(clean**2, axis=1)
    distance = square - 2 * pictures @ clean.T
    best = distance.argmin(axis=1)
    error = np.maximum(distance[np.arange(len(best)), best], 0) / clean.shape[1]
    return orientations[best], np.sqrt(error)


# %%
# Three fits
# ----------
# The learner weighs simulated latents by kernel ridge regression on a network's estimates
# first, which puts the rows in order, then by Bayes' rule, which is sharp.  The decoder
# starts from the principal components of X; one control starts from a random network
# instead, another uses Bayes' rule alone, self-normalised importance sampling, in a loop of
# its own.  On these pictures all three find the circle.


def by_bayes_alone(X, max_iter, n_hidden, seed):
    model, rng = circle_model(n_hidden), np.random.default_rng(seed)
    iterations = wake_sleep(
        model,
        X,
        model.init_params(X, rng),
        Adam(0.01),
        rng=rng,
        objective=ImportanceSampling(),
        posterior=NoPosterior(),
        regression=MeanRegression(),
        n_simulations=200,
        batch_size=256,
    )
    *_, last = islice(iterations, max_iter)
    return lambda z: model.location(last.params, z)


def run(n_rows=10_000, noise=0.0, max_iter=1000, n_hidden=100, seed=0):
    """Figures of the fits, and a picture.

    Parameters
    ----------
    n_rows : int
        Number of gratings.
    noise : float
        Standard deviation of the noise that is added to a pixel.
    max_iter : int
        Iterations of each fit.
    n_hidden : int
        Width of the decoder.
    seed : int
        Of pictures and fits.

    Returns
    -------
    found : dict of dict
        Figures of each fit.
    picture : matplotlib figure
    """
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, np.pi, n_rows)
    X = gabors(truth)
    X = X + noise * rng.standard_normal(X.shape)
    learner, control = (
        AmortisedLearner(
            circle_model(n_hidden, kind), max_iter=max_iter, random_state=seed
        ).fit(X)
        for kind in (LatentVariableModel, RandomStart)
    )
    decoders = {
        "AmortisedLearner": learner.inverse_transform,
        "from a random start": control.inverse_transform,
        "Bayes' rule alone": by_bayes_alone(X, max_iter, n_hidden, seed),
    }
    found = {name: figures(decode) for name, decode in decoders.items()}
    some = slice(0, 500)
    return found, draw(decoders, truth[some], learner.transform(X[some]))


# %%
# Look
# ----
# Pictures along the latent circle, in steps of 30 degrees; and the latent angle of rows
# against their orientation: a straight line, once round.


def draw(decoders, truth, latents):
    angles = np.radians(np.arange(0, 360, 30))
    picture = plt.figure(figsize=(9, 6.2), layout="constrained")
    above, below = picture.subfigures(2, 1, height_ratios=[1.2, 1.4])
    axes = above.subplots(len(decoders), len(angles))
    for row, (name, decode) in zip(axes, decoders.items(), strict=True):
        for axis, image in zip(row, decode(on_circle(angles)), strict=True):
            axis.imshow(image.reshape(SIDE, SIDE), cmap="gray", vmin=-1, vmax=1)
            axis.set(xticks=[], yticks=[])
        row[0].set_title(name, fontsize=9, loc="left")
    left, right = below.subplots(1, 2)
    for (name, decode), colour in zip(decoders.items(), ("C0", "C1", "k"), strict=True):
        fine = np.linspace(0, 2 * np.pi, 361)
        orientation, _ = nearest(decode(on_circle(fine)))
        style = {"color": colour, "ms": 3, "label": name}
        left.plot(np.degrees(fine), np.degrees(orientation), ".", **style)
    left.set(xlabel="latent angle (degrees)", ylabel="decoded orientation (degrees)")
    left.set(xticks=range(0, 361, 90), yticks=range(0, 181, 45))
    left.legend(
        fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False,
        handletextpad=0, columnspacing=1, markerscale=3,
    )  # fmt: skip
    angle = np.degrees(np.arctan2(latents[:, 0], latents[:, 1])) % 360
    right.plot(np.degrees(truth), angle, ".", ms=3)
    right.set(xlabel="true orientation (degrees)", ylabel="latent angle found (degrees)")
    right.set(xticks=range(0, 181, 45), yticks=range(0, 361, 90))
    return picture


if __name__ == "__main__":
    found, picture = run()
    for name, values in found.items():
        print(name)
        for figure, value in values.items():
            print(f"  {figure:>30}: {value:.3g}")
    path = Path(sys.argv[0]).parent / "output" / "circle.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
