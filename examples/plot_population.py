"""
Forty ponds: a population of series
===================================

Fish in each of forty ponds grow and collapse; the pond's growth rate and the share of fish
that is caught differ from pond to pond.  One series of fifty counts says little of its own
pond.  With ``pooling="partial"`` :class:`skaws.AmortisedSimulator` learns the population
from which the ponds come, and each pond's estimate borrows from the others: a model with
mixed effects, for a simulator.

Beside it: each pond fitted alone.
"""

import sys
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import lognorm

from skaws import AmortisedSimulator

PRIORS = {
    "growth": lognorm(0.8, scale=30),
    "noise": lognorm(0.6, scale=0.3),
    "catch": lognorm(0.8, scale=8),
}
# Of the population: median, and standard deviation of the logarithm.
POPULATION = {"growth": (45.0, 0.25), "noise": (0.3, 0.15), "catch": (10.0, 0.3)}

# %%
# The simulator
# -------------


def ponds(growth, noise, catch, rng, n_times, n_before=50):
    """Counts, a row for each pond."""
    fish, counts = np.ones(len(growth)), []
    for t in range(n_times + n_before):
        shock = noise * rng.standard_normal(len(growth))
        fish = np.clip(growth * fish * np.exp(-fish + shock), 1e-30, 1e6)
        if t >= n_before:
            counts.append(rng.poisson(np.minimum(catch * fish, 1e7)))
    return np.stack(counts, axis=1).astype(float)


# %%
# The fits
# --------


def run(n_ponds=40, n_times=50, n_simulations=500, n_final=2000, seed=0):
    """Estimators of all ponds and of each, the ponds' true parameters, and the picture."""
    rng = np.random.default_rng(seed)
    truth = {
        name: median * np.exp(deviation * rng.standard_normal(n_ponds))
        for name, (median, deviation) in POPULATION.items()
    }
    X = ponds(**truth, rng=rng, n_times=n_times)
    together, alone = (
        AmortisedSimulator(
            ponds,
            PRIORS,
            vectorized=True,
            pooling=pooling,
            n_simulations=n_simulations,
            n_final=n_final,
            random_state=seed,
        )
        for pooling in ("partial", "complete")
    )
    together.fit(X)
    single = np.array(
        [[*alone.fit(X[[row]]).parameters_.values()] for row in range(n_ponds)]
    )
    pooled = np.asarray(together.transform(X))
    return together, truth, (pooled, single), draw(together, truth, pooled, single)


def draw(model, truth, pooled, single):
    """Estimates of each pond against its truth, in both ways."""
    figure, axes = plt.subplots(1, len(truth), figsize=(11, 4), layout="constrained")
    for column, (axis, (name, values)) in enumerate(zip(axes, truth.items(), strict=True)):
        for found, label, marker in ((single, "alone", "C1x"), (pooled, "together", "C0o")):
            off = np.sqrt(np.mean(np.log(found[:, column] / values) ** 2))
            axis.plot(values, found[:, column], marker, label=f"{label}: {off:.2f} off")
        ends = values.min() / 1.3, values.max() * 1.3
        axis.plot(ends, ends, "k-", lw=1)
        axis.axhline(model.parameters_[name], color="C0", ls=":", label="population")
        axis.set(xscale="log", yscale="log", title=name, xlabel="truth")
        axis.legend(frameon=False, fontsize=8)
    axes[0].set_ylabel("estimate")
    return figure


if __name__ == "__main__":
    model, _, _, picture = run()
    print(model.summary())
    path = Path(sys.argv[0]).parent / "output" / "population.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
