"""AmortisedSimulator beside exact answers, and where answers must be refused.

Run with ``make bench-simulator-table``; name rows to run some.  Each row prints what was
measured and the bar that was set before.
"""

import argparse
import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from scipy.stats import lognorm, norm, uniform

from skaws import AmortisedSimulator

sys.path.insert(0, str(Path(__file__).parent))
import simulator_tasks as tasks

SEEDS = range(720, 732)
SURE = 1.645  # standard deviations to the ends of a 90% interval


def fit(task, X, seed, **options):
    """A fitted estimator."""
    return AmortisedSimulator(
        task.simulate, task.priors, vectorized=True, random_state=seed, **options
    ).fit(X)


def deviations(model):
    """Of the posterior, in unit coordinates."""
    return np.sqrt(np.diag(model.covariance_))


def truth_in_units(model, task):
    values = {name: np.array([value]) for name, value in task.truth.items()}
    return model._coordinates.unit(values)[0]


def rms(values, axis=None):
    return np.sqrt(np.mean(np.square(values), axis=axis))


def calibration(task, n_draws):
    """Errors in standard deviations at draws of the prior, each with a series."""
    model, z = fit(task, task.series(0), 0), []
    found = model.calibrate(n_draws, random_state=1)
    z.append(found.z)
    return f"50%: {found.coverage[0.5]:.2f}, 90%: {found.coverage[0.9]:.2f}"


def coverage(n_series):
    """Intervals at 30 draws of the prior."""
    print("coverage at 30 draws of the prior (bars: 50% .40-.66, 90% .86-.98)")
    for name in ("RICKER", "PREDATORS", "AUTOREGRESSION"):
        print(
            f"    {name.lower():>15}  {calibration(getattr(tasks, name), 30)}", flush=True
        )


def autoregression(n_series):
    """Beside the exact posterior, at draws of the prior."""
    task, off, wide, raw = tasks.AUTOREGRESSION, [], [], {"auto": [], "raw": []}
    for seed in range(30):
        rng = np.random.default_rng(1000 + seed)
        drawn = {
            name: prior.rvs(1, random_state=rng) for name, prior in task.priors.items()
        }
        X = task.simulate(**drawn, rng=rng, n_times=task.n_times)
        model = fit(task, X, seed)
        start = model.mean_, 4 * model.covariance_
        mean, sd, effective = tasks.exact_posterior(X[0], *start, rng)
        if effective < 200:
            print(f"    draw {seed} left out: {effective:.0f} effective draws")
            continue
        off.append((model.mean_ - mean) / sd)
        wide.append(deviations(model) / sd)
    print(
        f"autoregression: means {rms(off):.2f} exact deviations off (bar .48), "
        f"deviations {np.exp(np.mean(np.log(wide))):.2f} of the exact (bar .9-1.35)"
    )
    for seed in SEEDS[:n_series]:
        X = task.series(seed)
        for name, summaries in (("auto", "auto"), ("raw", raw_series)):
            model = fit(task, X, seed, summaries=summaries)
            raw[name].append(model.mean_ - truth_in_units(model, task))
    ratio = rms(raw["raw"]) / rms(raw["auto"])
    print(f"    raw series for summaries: {ratio:.2f} times the error (bar: 1.8 at least)")


def raw_series(series):
    return series.reshape(len(series), -1)


def ignored(n_series):
    """A parameter that the simulator does not use."""
    task = tasks.Task(
        tasks.ignoring, 100, {"level": 1.0}, {"level": norm(0, 3), "nothing": norm(0, 1)}
    )
    found = []
    for seed in SEEDS[:n_series]:
        rng = np.random.default_rng(seed)
        model = fit(task, task.simulate(np.ones(1), None, rng, 100), seed)
        found.append(
            (model.covariance_[1, 1], model.mean_[1], "prior" in str(model.summary()))
        )
    variance, mean, said = zip(*found, strict=True)
    print(
        f"ignored parameter: variance {min(variance):.2f} of the prior's or more (bar .9), "
        f"mean {np.abs(mean).max():.2f} off at most (bar .3), said {np.mean(said):.0%}"
    )


def community(n_series):
    """Twenty-four parameters beside least squares, with fewer simulations at the end."""
    task, ours, exact = tasks.COMMUNITY, [], []
    truth, used = tasks.community_values(tasks.COMMUNITY.truth), []
    for seed in SEEDS[:n_series]:
        X = task.series(seed)
        model = fit(task, X, seed, n_final=1000)
        ours.append(tasks.community_values(model.parameters_) - truth)
        exact.append(tasks.community_exactly(X[0]) - truth)
        used.append(model.n_simulations_)
    apart = np.subtract(ours, exact)
    print(
        f"community of 24 parameters: error {rms(ours) / rms(exact):.2f} of least squares' "
        f"(bar 1.15), distance to it {rms(apart) / rms(exact):.2f} (bar .7), "
        f"{np.mean(used):.0f} simulations (bar 6000)"
    )


def neuron(n_series):
    """FitzHugh and Nagumo's neuron beside nonlinear least squares."""
    task, ours, exact = tasks.NEURON, [], []

    def errors(values):
        values, truth = np.array(values), np.array([*task.truth.values()])
        return np.append(values[:-1] - truth[:-1], np.log(values[-1] / truth[-1]))

    for seed in SEEDS[:n_series]:
        X = task.series(seed)
        ours.append(errors([*fit(task, X, seed).parameters_.values()]))
        least = tasks.neuron_exactly(X[0])
        exact.append(errors([*least[:-1], np.exp(least[-1])]))
    print(
        f"FitzHugh and Nagumo: error {rms(ours):.3f}, {rms(ours) / rms(exact):.2f} of "
        "least squares' (bar 1.35)"
    )


def cell(n_series):
    """Hodgkin and Huxley's cell, all ten parameters from a far start."""
    task, errors, z, used = tasks.CELL, [], [], []
    for seed in SEEDS[: min(n_series, 4)]:
        model = fit(task, task.series(seed), seed)
        off = model.mean_ - truth_in_units(model, task)
        z.append(off / deviations(model))
        errors.append(off * np.array([prior.args[0] for prior in task.priors.values()]))
        used.append(model.n_simulations_)
    print(
        f"Hodgkin and Huxley: error {rms(errors):.3f} (bar .25), {rms(z):.2f} deviations "
        f"(bar 1.5), {np.mean(used):.0f} simulations (bar 14000); of each parameter:"
    )
    each = zip(task.truth, rms(errors, axis=0), strict=True)
    print("   ", ", ".join(f"{name} {error:.3f}" for name, error in each))


def epidemic(n_series):
    """Six parameters of measles."""
    task, errors, z = tasks.EPIDEMIC, [], []
    for seed in SEEDS[: min(n_series, 4)]:
        model = fit(task, task.series(seed), seed)
        found = np.array([*model.parameters_.values()])
        truth, shares = np.array([*task.truth.values()]), np.isin([*task.truth], SHARES)
        off = np.where(shares, logit(found) - logit(truth), np.log(found / truth))
        errors.append(off)
        z.append((model.mean_ - truth_in_units(model, task)) / deviations(model))
    print(
        f"epidemic: error {rms(errors):.3f} (bar .32), 90% cover "
        f"{np.mean(np.abs(z) < SURE):.2f} (bar .8)"
    )


SHARES = ("season", "reported")


def logit(values):
    share = np.clip(values, 1e-9, 1 - 1e-9)
    return np.log(share) - np.log1p(-share)


def stiff(n_series):
    """Robertson's reactions, one solution a call, beside nonlinear least squares."""
    off, costs, used = [], [], []
    task, n_series = tasks.STIFF, min(n_series, 4)
    for seed in SEEDS[:n_series]:
        X = task.simulate(**task.truth, rng=np.random.default_rng(seed))
        model = AmortisedSimulator(
            task.simulate,
            task.priors,
            n_simulations=100,
            max_iter=10,
            n_final=400,
            n_jobs=2,
            random_state=seed,
        ).fit(X[None])
        off.append((model.mean_ - truth_in_units(model, task)) / deviations(model))
        residual = tasks.plot_stiff.solved(**model.parameters_) - X
        _, least, _ = tasks.stiff_exactly(X)
        costs.append(0.5 * np.sum((residual / tasks.plot_stiff.NOISE) ** 2) / least)
        used.append(model.n_simulations_)
    print(
        f"stiff reactions: {np.abs(off).max():.2f} deviations off at most (bar 2), cost "
        f"{max(costs):.3f} of least squares' at most (bar 1.3), {max(used)} solutions "
        "(bar 1500)"
    )


def population(n_series):
    """Forty series, each with parameters of its own."""
    task, means, widths = tasks.BLOWFLIES, [], []
    among = np.array([0.3, 0.2, 0.15, 0.15, 0.2, 0.001])
    scales = np.array([prior.args[0] for prior in task.priors.values()])
    for seed in SEEDS[: min(n_series, 6)]:
        rng = np.random.default_rng(seed)
        logs = np.log([*task.truth.values()]) + among * rng.standard_normal((40, 6))
        values = dict(zip(task.truth, np.exp(logs).T, strict=True))
        X = task.simulate(**values, rng=rng, n_times=task.n_times)
        model = fit(task, X, seed, pooling="partial")
        means.append(np.log([*model.parameters_.values()]) - logs.mean(axis=0))
        widths.append(
            np.array([*model.population_sd_.values()]) * scales / logs.std(axis=0)
        )
    off, wide = np.abs(np.mean(means, axis=0)), np.array(widths)[:, :5]
    print(
        f"population of 40: medians off by {off.max():.0%} at most, {rms(means):.0%} a fit "
        f"(bar 12%); deviations {wide.mean(axis=0).round(2)} of the true ones, from "
        f"{wide.min():.2f} to {wide.max():.2f} (bar .6-1.4); {model.n_simulations_} "
        "simulations (bar 20000)"
    )


def pieces(n_series):
    """Holes, series of two lengths, and an integer."""
    task, moved, wider, narrower, lags = tasks.BLOWFLIES, [], [], [], []
    for seed in SEEDS[:n_series]:
        X = task.series(seed)
        whole = fit(task, X, seed)
        hidden = np.random.default_rng(seed).random(X.shape) < 0.3
        some = fit(task, np.where(hidden, np.nan, X), seed)
        moved.append((some.mean_ - whole.mean_) / deviations(some))
        wider.append(deviations(some) / deviations(whole))
        both = fit(task, [X[0], task.series(seed + 100, 90)[0]], seed)
        narrower.append(deviations(both) / deviations(whole))
        lags.append(round(whole.parameters_["tau"]))
    print(
        f"30% missing: {rms(moved):.2f} deviations from the whole (bar 1), deviations "
        f"{np.mean(wider):.2f} times as wide (bar: above 1)"
    )
    print(
        f"180 and 90 together: deviations {np.mean(narrower):.2f} of one series' (bar: "
        "below 1)"
    )
    right = sum(6 <= lag <= 8 for lag in lags)
    print(f"delay of 7: within one in {right} of {len(lags)} (bar 11 of 12)")


def modes(n_series):
    """A slope that enters squared, and a frequency from a wide prior."""
    task = tasks.Task(tasks.squared, 300, {"a": 1.3}, {"a": norm(0, 1)})
    both, said, off = [], [], []
    for seed in SEEDS[:n_series]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = fit(task, task.series(seed), seed, n_init=6)
        signs = {np.sign(mode["a"]) for mode in model.modes_}
        both.append(signs == {-1.0, 1.0})
        said.append(any("ended apart" in str(one.message) for one in caught))
    task = tasks.Task(
        tasks.wave, 200, {"frequency": 0.31}, {"frequency": uniform(0.01, 0.48)}
    )
    for seed in SEEDS[:n_series]:
        model = fit(task, task.series(seed), seed)
        off.append(abs(model.parameters_["frequency"] - 0.31))
    print(
        f"modes: both signs in {sum(both)}, warned in {sum(said)} of {len(both)} (bar: all)"
    )
    print(f"frequency .31: off by {np.median(off):.4f}, {max(off):.4f} at most (bar .003)")


def forecast(n_series):
    """Blowflies at known parameters, beside draws that go on from where series end."""
    task, n_ahead = tasks.BLOWFLIES, 6
    near = {name: lognorm(1e-3, scale=value) for name, value in task.truth.items()}
    task = task._replace(priors=near)
    X = np.concatenate([task.series(seed, 180 + n_ahead) for seed in range(740, 780)])
    model = fit(task, X[:, :180], 0, n_final=0, max_iter=2)
    ours = np.log(model.forecast(X[:, :180], n_ahead).mean)
    exact = np.array([exact_means(task.truth, row[:180], n_ahead) for row in X])
    after = np.log(X[:, 180:])
    errors = [rms(one - after, axis=0) for one in (ours, exact)]
    print(
        f"forecast of 1 to 6 steps: error of logs {errors[0].round(2)}, exact "
        f"{errors[1].round(2)}, ratio {(errors[0] / errors[1]).round(2)} (bar 1.3 each)"
    )


def exact_means(truth, row, n_ahead, n_draws=4000):
    """Means of what follows, of draws that start with the row itself."""
    values = {name: value for name, value in truth.items()}
    rng, lag = np.random.default_rng(0), round(values["tau"])
    flies = np.tile(row[:, None], n_draws)
    for _ in range(n_ahead):
        parents = flies[-lag]
        births = rng.gamma(1 / values["sp"] ** 2, 1.0, n_draws) * values["sp"] ** 2
        deaths = rng.gamma(1 / values["sd"] ** 2, 1.0, n_draws) * values["sd"] ** 2
        bred = values["P"] * parents * np.exp(-parents / values["N0"]) * births
        flies = np.vstack([flies, bred + flies[-1] * np.exp(-values["delta"] * deaths)])
    return np.log(flies[-n_ahead:].mean(axis=1))


def misfit(n_series):
    """Ricker's model fitted to blowflies, and to its own series."""
    strange, own, said, quiet = [], [], [], []
    for seed in SEEDS[:n_series]:
        flies = tasks.BLOWFLIES.series(seed)
        model = fit(tasks.RICKER, np.round(flies), seed)
        strange.append(model.distance_)
        said.append(min(one.tail for one in model.check()) < 0.01)
        model = fit(tasks.RICKER, tasks.RICKER.series(seed), seed)
        own.append(model.distance_)
        quiet.append(min(one.tail for one in model.check()) < 0.01)
    print(
        f"Ricker's model of blowflies: distance {min(strange):.2f} at least (bar 1.2), a "
        f"check fails in {sum(said)} of {len(said)} (bar: all); of its own series: "
        f"{np.median(own):.2f}, fails in {sum(quiet)}"
    )


def speed(n_series):
    """Time of a round of 500, beyond the simulator."""
    for name in ("RICKER", "BLOWFLIES"):
        task = getattr(tasks, name)
        spent = []

        def timed(rng, n_times, task=task, spent=spent, **parameters):
            start = process_time()
            series = task.simulate(**parameters, rng=rng, n_times=n_times)
            spent.append(process_time() - start)
            return series

        X, beyond = task.series(720), []
        for seed in range(3):
            spent.clear()
            start = process_time()
            model = fit(task._replace(simulate=timed), X, seed, n_final=0)
            beyond.append((process_time() - start - sum(spent)) / model.n_iter_)
        print(
            f"{name.lower()}: {np.median(beyond):.3f} s a round beyond the simulator "
            "(bar .08)"
        )


ROWS = {
    one.__name__: one
    for one in (
        coverage,
        autoregression,
        ignored,
        community,
        neuron,
        cell,
        epidemic,
        stiff,
        population,
        pieces,
        modes,
        forecast,
        misfit,
        speed,
    )
}


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--series", type=int, default=12)
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    for name in options.rows or ROWS:
        ROWS[name](options.series)
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
