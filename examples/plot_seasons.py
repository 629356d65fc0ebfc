"""
The time of year, from temperatures alone
=========================================

Half a year of monthly sea temperatures off Peru says in which month it began -- but not as
a number from 1 to 12 would have it: December is as near to January as June is to July.  The
latent is on a circle.  The learner sees 727 such half-years, in random order, without
dates, and has to find the year by itself; El Nino makes some of them hard to place.

The temperatures (ERSST v3b, region Nino 1+2, 1950 to 2010, in the public domain) are those
that statsmodels ships.
"""

# %%
# Half-years that begin in any month
# ----------------------------------

import sys
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from statsmodels.datasets import elnino

from skaws import AmortisedLearner
from skaws.decoders import MLP
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.priors import UniformCircle

N_MONTHS = 6


def half_years():
    """Temperatures of all runs of six months, (n, 6), and the month each begins in."""
    monthly = elnino.load_pandas().data.iloc[:, 1:].to_numpy().ravel()
    rows = np.lib.stride_tricks.sliding_window_view(monthly, N_MONTHS).copy()
    return rows, np.arange(len(rows)) % 12


# %%
# Angles and months
# -----------------
# Where the circle begins and which way it turns the model leaves open: the found angle is
# turned, and perhaps mirrored, to lie best on the months.


def months_of(latents, truth):
    """Months, from 0 to 12, of posterior means on the circle, turned to fit `truth`."""
    angle = np.arctan2(latents[:, 0], latents[:, 1])
    true = 2 * np.pi * truth / 12
    turns = [np.mean(np.exp(1j * (way * angle - true))) for way in (1, -1)]
    way = 1 if abs(turns[0]) > abs(turns[1]) else -1
    turned = way * angle - np.angle(turns[0 if way == 1 else 1])
    return 12 * (turned % (2 * np.pi)) / (2 * np.pi)


def months_apart(found, truth):
    """Distance on the circle of months."""
    return np.abs((found - truth + 6) % 12 - 6)


def run(max_iter=1000, seed=0):
    """Median error in months, share within six weeks, and the picture."""
    rows, truth = half_years()
    X = np.random.default_rng(seed).permutation(rows)
    model = LatentVariableModel(UniformCircle(), MLP((30,)), GaussianNoise())
    learner = AmortisedLearner(model, max_iter=max_iter, random_state=seed).fit(X)
    found = months_of(learner.transform(rows), truth)
    errors = months_apart(found, truth)
    figures = {
        "median error (months)": float(np.median(errors)),
        "within six weeks": float(np.mean(errors < 1.5)),
    }
    return figures, draw(learner, rows, found, truth)


# %%
# Look
# ----
# Left, the month found for each half-year: 94% are within six weeks, and the median error
# is three weeks.  Right, what the decoder makes of four angles, a quarter of a turn apart:
# the seasons.


def draw(learner, rows, found, truth):
    picture, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    jitter = np.random.default_rng(0).uniform(-0.3, 0.3, len(truth))
    # A month found across the year's end is shown beyond it.
    shown = truth + (found - truth + 6) % 12 - 6
    left.plot([-1, 12], [-1, 12], color="0.8")
    left.plot(truth + jitter, shown, ".", ms=3)
    left.set(xlabel="month that the half-year began in", ylabel="month found")
    names = ["January", "April", "July", "October", "January"]
    left.set_xticks(range(0, 12, 3), names[:4])
    left.set_yticks(range(0, 13, 3), names)
    left.set_title("A point a half-year")
    degrees = [0, 90, 180, 270]
    angles = np.radians(degrees)
    decoded = learner.inverse_transform(np.column_stack([np.sin(angles), np.cos(angles)]))
    months = np.arange(1, N_MONTHS + 1)
    right.plot(months, rows[::7].T, color="0.85", lw=0.5)
    for degree, row, style in zip(
        degrees, decoded, ("oC0-", "sC1--", "^k-.", "vC4:"), strict=True
    ):
        right.plot(months, row, style, ms=5, label=f"{degree} degrees")
    right.set(xlabel="month of the half-year", title="Decoded at four angles")
    right.set_ylabel("sea temperature (°C)")
    right.legend(fontsize=8, ncols=2, loc="upper center")
    return picture


if __name__ == "__main__":
    figures, picture = run()
    for name, value in figures.items():
        print(f"{name}: {value:.2f}")
    path = Path(sys.argv[0]).parent / "output" / "seasons.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
