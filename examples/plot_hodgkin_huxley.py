"""
A neuron's ten parameters from one trace
========================================

Hodgkin and Huxley's model of a nerve cell: its voltage follows currents through sodium,
potassium and leak channels, which open and close with the voltage.  A current is injected,
and the voltage recorded under two kinds of noise.  From one recording
:class:`skaws.AmortisedSimulator` finds all ten parameters.  The centres of their priors are
where the paper of amortised wake-sleep starts (Wenliang et al., 2020): wrong by a factor of
two in conductances, and of ten and thirty in the noises.
"""

import sys
from os.path import relpath
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import lognorm

from skaws import AmortisedSimulator

STEP = 0.05  # milliseconds
# Name: truth, centre of the prior, its width; of voltages below zero the size.
PARAMETERS = {
    "capacity": (1.0, 2.0, 0.8),
    "g_leak": (0.1, 0.2, 0.8),
    "E_leak": (70.42, 60.0, 0.24),
    "g_sodium": (50.0, 40.0, 0.6),
    "E_sodium": (50.0, 40.0, 0.4),
    "g_potassium": (5.0, 3.0, 0.8),
    "E_potassium": (90.0, 80.0, 0.24),
    "threshold": (60.0, 50.0, 0.24),
    "noise": (0.1, 1.0, 1.6),
    "error": (1.0, 30.0, 1.6),
}
PRIORS = {name: lognorm(w, scale=centre) for name, (_, centre, w) in PARAMETERS.items()}


def current(n_times):
    """Injected current: noise about zero, then about ten, then about zero."""
    rng = np.random.default_rng(123)
    level = np.where(np.abs(np.arange(n_times) / n_times - 0.5) < 0.4, 10.0, 0.0)
    return level + 2.0 * rng.standard_normal(n_times)


def rate(voltage, scale):
    """``v / (exp(v / scale) - 1)``, and its limit where v is zero."""
    small = np.abs(voltage) < 1e-4 * scale
    safe = np.where(small, scale, voltage)
    return np.where(small, scale, safe / np.expm1(np.clip(safe / scale, -60, 60)))


def neuron(
    capacity,
    g_leak,
    E_leak,
    g_sodium,
    E_sodium,
    g_potassium,
    E_potassium,
    threshold,
    noise,
    error,
    rng,
    n_times,
):
    """Voltages, a row for each set of parameters."""
    v = np.full(len(capacity), -70.0)
    m, h, n = np.zeros(len(v)), np.full(len(v), 0.8), np.zeros(len(v))
    trace = np.empty((n_times, len(v)))
    for t, injected in enumerate(current(n_times)):
        u = np.clip(v + threshold, -100, 200)
        through = (
            g_leak * (v + E_leak)
            + g_sodium * m**3 * h * (v - E_sodium)
            + g_potassium * n**4 * (v + E_potassium)
        )
        opens = (
            0.32 * rate(13 - u, 4.0),
            0.128 * np.exp((17 - u) / 18),
            0.032 * rate(15 - u, 5.0),
        )
        closes = (
            0.28 * rate(u - 40, 5.0),
            4 / (1 + np.exp((40 - u) / 5)),
            0.5 * np.exp((10 - u) / 40),
        )
        shaken = noise * rng.standard_normal(len(v))
        v = np.clip(v + STEP / capacity * (injected - through) + shaken, -150, 150)
        m, h, n = (
            np.clip(gate + STEP * (a * (1 - gate) - b * gate), 0, 1)
            for gate, a, b in zip((m, h, n), opens, closes, strict=True)
        )
        trace[t] = v
    return trace.T + error[:, None] * rng.standard_normal((len(v), n_times))


def run(n_times=1000, seed=0, **options):
    """The fitted estimator, the trace, and the picture."""
    truth = {name: np.array([value]) for name, (value, _, _) in PARAMETERS.items()}
    X = neuron(**truth, rng=np.random.default_rng(seed), n_times=n_times)
    model = AmortisedSimulator(
        neuron, PRIORS, vectorized=True, random_state=seed, **options
    ).fit(X)
    return model, X, draw(model, X)


def draw(model, X):
    """The trace among simulated ones, and estimates relative to the truth."""
    picture, (left, right) = plt.subplots(
        1, 2, figsize=(11, 3.6), layout="constrained", width_ratios=(1.6, 1)
    )
    time = STEP * np.arange(X.shape[1])
    for row in model.sample(3, random_state=1):
        left.plot(time, row, linewidth=0.5, color="tab:blue")
    left.plot(time, X[0], linewidth=0.8, color="black")
    left.set(xlabel="milliseconds", ylabel="millivolt")
    left.set_title("The trace (black), three simulated ones (blue)", fontsize=9)
    for place, (name, (truth, centre, _)) in enumerate(PARAMETERS.items()):
        low, high = model.intervals_[name]
        right.plot([low / truth, high / truth], [place, place], color="tab:blue")
        right.plot(model.parameters_[name] / truth, place, "o", color="tab:blue")
        right.plot(centre / truth, place, "x", color="gray")
    right.axvline(1.0, color="tab:red", linewidth=0.8)
    right.set(xscale="log", yticks=range(len(PARAMETERS)))
    right.set_yticklabels(PARAMETERS, fontsize=8)
    right.set_title("Over the truth: 90% intervals, centres of priors (x)", fontsize=9)
    return picture


if __name__ == "__main__":
    model, X, picture = run()
    print(model.summary())
    path = Path(sys.argv[0]).parent / "output" / "hodgkin_huxley.png"
    path.parent.mkdir(exist_ok=True)
    picture.savefig(path, dpi=100)
    print(f"The picture is in {relpath(path)}")
