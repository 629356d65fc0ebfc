"""
A stiff chemical reaction, solved by scipy
==========================================

Robertson's three reactions run at rates that differ by nine powers of ten; the textbook
example of a stiff system.  Its solver takes one set of rates at a time.  So does
:class:`skaws.AmortisedSimulator`, which runs it in as many processes as `n_jobs` says, and
needs about as many solutions as a hundred steps of least squares.  In return there is
no start value to guess, and there are standard errors that hold where rates are
curved together.

Least squares stands beside it: from the same centre of the prior, it finds the same rates.
"""

import sys
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_ivp
from scipy.stats import lognorm

from skaws import AmortisedSimulator

TRUTH = {"slow": 0.04, "fast": 3e7, "middle": 1e4}
PRIORS = {
    "slow": lognorm(1.0, scale=0.1),
    "fast": lognorm(1.0, scale=1e7),
    "middle": lognorm(1.0, scale=3e4),
}
TIMES = np.logspace(-4, 4, 30)
SCALES = np.array([1.0, 1e4, 1.0])  # the second substance is rare
NOISE = 0.02

# %%
# The simulator
# -------------
# One set of rates, one series of three channels.


def solved(slow, fast, middle):
    """Shares of three substances at `TIMES`, without noise."""

    def change(_, y):
        first, second, third = y
        forth, back, on = slow * first, middle * second * third, fast * second**2
        return -forth + back, forth - back - on, on

    found = solve_ivp(
        change, (0.0, TIMES[-1]), [1.0, 0.0, 0.0], "LSODA", TIMES, rtol=1e-6, atol=1e-10
    )
    if not found.success:
        raise RuntimeError(found.message)
    return found.y.T * SCALES


def reactions(slow, fast, middle, rng):
    """The same as measured."""
    return solved(slow, fast, middle) + NOISE * rng.standard_normal((len(TIMES), 3))


# %%
# The fit
# -------


def run(seed=0, n_simulations=100, max_iter=10, n_final=400, n_jobs=None):
    """The fitted estimator, the series, and the picture."""
    X = reactions(**TRUTH, rng=np.random.default_rng(seed))[None]
    model = AmortisedSimulator(
        reactions,
        PRIORS,
        n_simulations=n_simulations,
        max_iter=max_iter,
        n_final=n_final,
        n_jobs=n_jobs,
        random_state=seed,
    ).fit(X)
    return model, X, draw(model, X)


def draw(model, X):
    """Measurements over curves at draws of the posterior, and the posterior."""
    figure, (curves, rates) = plt.subplots(1, 2, figsize=(11, 4))
    drawn = model.sample_parameters(200, random_state=0)
    names = ("first", "second, ten thousandfold", "third")
    for channel, name in enumerate(names):
        curves.plot(TIMES, X[0, :, channel], ".", color=f"C{channel}", label=name)
    for row in range(20):
        values = solved(**{name: draws[row] for name, draws in drawn.items()})
        for channel in range(3):
            curves.plot(TIMES, values[:, channel], color=f"C{channel}", alpha=0.2, lw=1)
    curves.set(xscale="log", xlabel="time", title="Shares, and solutions at draws")
    curves.legend(frameon=False)
    rates.plot(drawn["fast"], drawn["middle"], ".", color="0.6", label="posterior")
    rates.plot(TRUTH["fast"], TRUTH["middle"], "kx", ms=9, mew=2, label="truth")
    rates.set(xscale="log", yscale="log", xlabel="fast", ylabel="middle", title="Rates")
    rates.legend(frameon=False)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    model, X, picture = run(n_jobs=2)
    print(model.summary())
    path = Path(sys.argv[0]).parent / "output" / "stiff.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
