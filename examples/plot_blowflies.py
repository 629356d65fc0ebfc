"""
A simulator of insects, fitted to one series
============================================

Nicholson's blowflies, kept in a box, bred and died in waves.  The model is that of Wood
(Nature, 2010): of N flies of an age tau ago, some breed, fewer where there are many, and
flies die, both with noise of their own in each time step.  It has six parameters, and no
density that could be written down.

:class:`skaws.AmortisedSimulator` needs the simulator and a prior for each parameter.  The
series here is simulated, with the parameters that Wood found, so that we know the truth.
"""

import sys
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import lognorm

from skaws import AmortisedSimulator
from skaws.displays import SimulatorDisplay

TRUTH = {"P": 29.0, "N0": 260.0, "sd": 0.6, "sp": 0.3, "delta": 0.2, "tau": 7.0}
PRIORS = {
    "P": lognorm(1.6, scale=6),
    "N0": lognorm(1.2, scale=700),
    "sd": lognorm(0.8, scale=0.5),
    "sp": lognorm(0.8, scale=0.6),
    "delta": lognorm(1.0, scale=0.5),
    "tau": lognorm(0.6, scale=8),
}

# %%
# The simulator
# -------------


def blowflies(P, N0, sd, sp, delta, tau, rng, n_times, n_before=50):
    """Numbers of flies, a row for each set of parameters."""
    n, lag = len(P), np.clip(np.round(tau), 1, 40).astype(int)
    longest, length = lag.max(), n_times + n_before
    births = rng.gamma(1 / sp**2, 1.0, (length, n)) * sp**2
    deaths = rng.gamma(1 / sd**2, 1.0, (length, n)) * sd**2
    flies, every = np.full((longest + length, n), 180.0), np.arange(n)
    for t in range(length):
        parents = flies[longest + t - lag, every]
        bred = P * parents * np.exp(-parents / N0) * births[t]
        survived = flies[longest + t - 1] * np.exp(-delta * deaths[t])
        flies[longest + t] = np.clip(bred + survived, 1e-6, 1e8)
    return flies[-n_times:].T


# %%
# The fit, and what it says
# -------------------------


def run(n_times=180, n_simulations=500, n_final=2000, seed=0):
    """The fitted estimator, the series, and the picture."""
    truth = {name: np.array([value]) for name, value in TRUTH.items()}
    X = blowflies(**truth, rng=np.random.default_rng(seed), n_times=n_times)
    model = AmortisedSimulator(
        blowflies,
        PRIORS,
        vectorized=True,
        n_simulations=n_simulations,
        n_final=n_final,
        random_state=seed,
    ).fit(X)
    return model, X, draw(model, X)


def draw(model, X):
    """Prior and posterior of each parameter; the series among simulated ones."""
    picture = plt.figure(figsize=(11, 6), layout="constrained")
    top, bottom = picture.subfigures(2, 1, height_ratios=(1, 1.2))
    display = SimulatorDisplay.from_estimator(model, X, plot=False)
    for axis, name in zip(display.plot_parameters(top), display.posterior, strict=True):
        axis.axvline(TRUTH[name], color="tab:red")
    top.suptitle("Prior (grey), posterior (blue), truth (red)", fontsize=9)
    left, right = bottom.subplots(1, 2)
    display.plot_series(left)
    times = np.arange(X.shape[1])
    ahead = model.forecast(X, 8)
    later = X.shape[1] + np.arange(8)
    right.plot(times[-40:], X[0, -40:], color="black")
    right.plot(later, ahead.mean[0], color="tab:blue")
    right.fill_between(later, ahead.lower[0], ahead.upper[0], color="tab:blue", alpha=0.3)
    right.set_title("Forecast, with its 90% band", fontsize=9)
    return picture


if __name__ == "__main__":
    model, X, picture = run()
    print(model.summary())
    path = Path(sys.argv[0]).parent / "output" / "blowflies.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
