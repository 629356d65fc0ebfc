"""
Prey and predators: two series, eight parameters, and what comes next
=====================================================================

Lotka and Volterra's hares and lynxes: hares breed and are eaten, lynxes starve without
them.  Here growth rates are noisy, and both are counted with an error, in 21 years.
Nobody can write down the density of such series; anybody can simulate them.

:class:`skaws.AmortisedSimulator` takes several channels as they are, and goes on from where
the series end (`forecast`).  The series here is simulated, so that the truth and the years
to come are known.
"""

import sys
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import lognorm

from skaws import AmortisedSimulator

# Name: truth, median of the prior, its width.
PARAMETERS = {
    "alpha": (0.55, 1.0, 1.0),
    "beta": (0.028, 0.05, 1.0),
    "gamma": (0.8, 1.0, 1.0),
    "delta": (0.024, 0.05, 1.0),
    "process": (0.15, 0.3, 0.8),
    "error": (0.2, 0.3, 0.8),
    "prey": (30.0, 20.0, 0.8),
    "hunters": (5.0, 10.0, 0.8),
}
TRUTH = {name: truth for name, (truth, _, _) in PARAMETERS.items()}
PRIORS = {name: lognorm(w, scale=centre) for name, (_, centre, w) in PARAMETERS.items()}

# %%
# The simulator
# -------------
# All sets of parameters step together: arrays in, an array (n, n_times, 2) out.


def predators(alpha, beta, gamma, delta, process, error, prey, hunters, rng, n_times):
    """Prey and predators, each growth rate with noise, both seen with an error."""
    u, v, seen = np.log(prey), np.log(hunters), []
    for _ in range(n_times):
        seen.append(np.stack([u, v], axis=1))
        for _ in range(10):
            noise = np.sqrt(0.1) * process * rng.standard_normal((2, len(alpha)))
            u, v = (
                np.clip(u + 0.1 * (alpha - beta * np.exp(v)) + noise[0], -8, 9),
                np.clip(v + 0.1 * (delta * np.exp(u) - gamma) + noise[1], -8, 9),
            )
    seen = np.stack(seen, axis=1)
    return np.exp(seen + error[:, None, None] * rng.standard_normal(seen.shape))


# %%
# The fit, and the years to come
# ------------------------------


def run(n_times=21, n_ahead=5, seed=3, **options):
    """The fitted estimator, the series, and the picture."""
    truth = {name: np.array([value]) for name, value in TRUTH.items()}
    rng = np.random.default_rng(seed)
    X = predators(**truth, rng=rng, n_times=n_times + n_ahead)
    model = AmortisedSimulator(
        predators, PRIORS, vectorized=True, random_state=seed, **options
    ).fit(X[:, :n_times])
    return model, X, draw(model, X, n_times)


def draw(model, X, n_times):
    """The series and its forecast, and estimates relative to the truth."""
    figure, (series, estimates) = plt.subplots(1, 2, figsize=(11, 4))
    ahead = model.forecast(X[:, :n_times], X.shape[1] - n_times)
    years = np.arange(X.shape[1])
    for channel, (name, colour) in enumerate([("hares", "C0"), ("lynxes", "C1")]):
        series.plot(years, X[0, :, channel], ".-", color=colour, label=name)
        band = ahead.lower[0, :, channel], ahead.upper[0, :, channel]
        series.fill_between(years[n_times:], *band, color=colour, alpha=0.25, lw=0)
        series.plot(years[n_times:], ahead.mean[0, :, channel], "--", color=colour)
    series.axvline(n_times - 0.5, color="grey", lw=1)
    series.set(title="Counts; right of the line: forecast", xlabel="year", yscale="log")
    series.legend(frameon=False)
    places = np.arange(len(TRUTH))
    for prior, colour, width in ((True, "0.8", 8), (False, "C0", 3)):
        ends = [
            PRIORS[name].ppf([0.05, 0.95]) if prior else np.array(model.intervals_[name])
            for name in TRUTH
        ]
        ends = np.array(ends) / np.array([*TRUTH.values()])[:, None]
        label = "prior" if prior else "posterior"
        estimates.hlines(places, *ends.T, color=colour, lw=width, label=label)
    estimates.axvline(1.0, color="k", lw=1)
    estimates.set(xscale="log", title="90% intervals, relative to the truth")
    estimates.set_yticks(places, labels=[*TRUTH])
    estimates.invert_yaxis()
    estimates.legend(frameon=False)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    model, X, picture = run()
    print(model.summary())
    path = Path(sys.argv[0]).parent / "output" / "predators.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
