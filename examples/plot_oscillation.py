"""
An oscillation, seen through frames of a moving spot
====================================================

A spot swings to and fro in front of ten pixels.  Nobody tells the model where it is:
a state of two numbers turns and is pushed about at random, its first number is where the
spot is, and pixels are noisy.  A fifth of the frames is lost.

:class:`~skaws.models.StateSpaceModel` takes the pieces: where the state starts, where it is
expected a frame later, what a frame looks like.  :class:`~skaws.AmortisedLearner` learns
period, damping and size of the spot, and where it was in each frame.
"""

import sys
from os.path import relpath
from pathlib import Path

import autograd.numpy as anp
import matplotlib.pyplot as plt
import numpy as np

from skaws import AmortisedLearner
from skaws.decoders import FunctionDecoder
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import StateSpaceModel
from skaws.priors import Gaussian
from skaws.supports import Positive

# %%
# The model
# ---------
# Dynamics are linear by default, and so are not written here.  What a frame looks like is
# a function of the state, with two parameters.

PLACES = np.linspace(-3, 3, 10)


def spot(params, latents):
    distance = (latents[:, :1] - PLACES) / params["width"]
    return params["height"] * anp.exp(-0.5 * distance**2)


def start(X, n_latents, rng):
    return {"height": np.nanmax(X), "width": 1.5}


def oscillation(n_times):
    positive = {"height": Positive(), "width": Positive()}
    frames = FunctionDecoder(spot, start, positive)
    return StateSpaceModel(Gaussian(2), frames, GaussianNoise(), n_times)


# %%
# Series of known parameters
# --------------------------
# The state turns by half a radian a frame: a period of 12.6 frames.

ANGLE, DAMPING = 0.5, 0.95
TURN = [[np.cos(ANGLE), -np.sin(ANGLE)], [np.sin(ANGLE), np.cos(ANGLE)]]
TRUTH = {
    "dynamics": {"transition": DAMPING * np.array(TURN)},
    "process_noise": {"noise_variance": 1 - DAMPING**2},
    "decoder": {"height": 2.0, "width": 0.8},
    "likelihood": {"noise_variance": 0.3**2},
}


def series(n_series, n_times, rng):
    """States and frames, a fifth of them lost."""
    states, X = oscillation(n_times).sample(TRUTH, n_series, rng)
    lost = rng.random((n_series, n_times)) < 0.2
    X[np.repeat(lost, len(PLACES), axis=1)] = np.nan
    return states, X


def figures_of(params):
    """What one asks of an oscillation; a turn is the angle of the eigenvalues."""
    value = np.linalg.eigvals(params["dynamics"]["transition"])[0]
    return {
        "period": 2 * np.pi / abs(np.angle(value)) if value.imag else np.inf,
        "damping": abs(value),
        "width of the spot": float(params["decoder"]["width"]),
        "height of the spot": float(params["decoder"]["height"]),
        "noise": float(np.sqrt(params["likelihood"]["noise_variance"])),
    }


# %%
# Picture
# -------


def picture_of(X, states, found, free):
    """A series and where the spot was, and a run of the model that was learnt."""
    n_times = len(found)
    times = np.arange(n_times)
    fig, axes = plt.subplots(2, 1, figsize=(7.2, 4.6), sharex=True, layout="constrained")
    for axis, frames, path, title in (
        (axes[0], X, found, "frames, some lost, and where the model sees the spot"),
        (axes[1], free[1], free[0], "a run of the model that was learnt"),
    ):
        picture = frames.reshape(n_times, -1).T
        axis.pcolormesh(times, PLACES, picture, cmap="Greys", shading="nearest")
        axis.plot(times, path, color="C1", lw=2, label="state")
        axis.set(title=title, ylabel="place")
    axes[0].plot(times, states, "C0--", lw=1.5, label="true state")
    axes[0].legend(loc="upper right")
    axes[1].set_xlabel("frame")
    return fig


# %%
# Fit
# ---


def run(n_series=60, n_times=25, max_iter=900):
    """Fit, print what was learnt beside the truth, return it with the picture."""
    states, X = series(n_series, n_times, np.random.default_rng(0))
    model = AmortisedLearner(oscillation(n_times), max_iter=max_iter, random_state=0).fit(X)
    learnt, truth = figures_of(model.params_), figures_of(TRUTH)
    for name, value in learnt.items():
        print(f"{name:20s}{value:7.3f}   (truth {truth[name]:.3f})")
    found = model.transform(X).reshape(n_series, n_times, 2)[:, :, 0]
    error = np.sqrt(np.mean((found - states[:, :, 0]) ** 2))
    print(f"places, root mean square error: {error:.3f}, lost frames included")
    free = oscillation(n_times).sample(model.params_, 1, np.random.default_rng(1))
    picture = picture_of(X[0], states[0, :, 0], found[0], (free[0][0, :, 0], free[1][0]))
    return learnt, truth, error, picture


if __name__ == "__main__":
    *_, picture = run()
    path = Path(sys.argv[0]).parent / "output" / "oscillation.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
