"""Examples run at toy size, and show what they say."""

import importlib.util
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

plt.switch_backend("Agg")

EXAMPLES = Path(__file__).parents[1] / "examples"

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def load(name):
    spec = importlib.util.spec_from_file_location(Path(name).stem, EXAMPLES / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def close_pictures():
    yield
    plt.close("all")


def test_every_example_has_a_test_here():
    tested = {
        "plot_displays.py",
        "plot_quickstart.py",
        "plot_robust_factors.py",
        "plot_missing_values.py",
        "plot_ica_artefacts.py",
        "plot_ica_natural_images.py",
        "plot_circle.py",
        "plot_blowflies.py",
        "plot_hodgkin_huxley.py",
        "plot_oscillation.py",
        "plot_functions.py",
        "plot_images.py",
        "plot_pinwheel.py",
        "plot_population.py",
        "plot_predators.py",
        "plot_stiff.py",
        "plot_seasons.py",
        "plot_gradient.py",
        "plot_guessing.py",
        "plot_ica_noise.py",
        "plot_ica_voices.py",
        "plot_nmf_digits.py",
        "plot_nmf_topics.py",
    }
    assert {path.name for path in EXAMPLES.glob("plot_*.py")} == tested


def test_quickstart():
    figures, picture = load("plot_quickstart.py").run(n_components=4, max_iter=90)
    assert abs(figures["skaws"] - figures["EM"]) < 0.2
    assert figures["one Gaussian a pixel"] < figures["skaws, 30% hidden"] < figures["skaws"]
    assert len(picture.axes) == 42


def test_missing_values():
    figures, picture = load("plot_missing_values.py").run(
        shares=(0.0, 0.3), max_iter=200, n_repeats=1
    )
    ours, filled = figures["skaws, holes left open"], figures["EM, column means"]
    assert ours[0.3][0] > filled[0.3][0] + 1.0  # nats a row
    assert len(picture.axes) == 2


def test_ica_noise():
    errors, noises, picture = load("plot_ica_noise.py").run(
        levels=(0.1, 0.5), n_seeds=1, n_rows=2000
    )
    assert errors["skaws"][1] < errors["FastICA"][1]
    np.testing.assert_allclose(noises, [0.1, 0.5], rtol=0.1)
    assert len(picture.axes) == 2


def test_ica_natural_images():
    sparseness, cosines, noise, picture = load("plot_ica_natural_images.py").run(
        n_rows=1000, n_patches=2000, size=8, n_filters=9, max_iter=200
    )
    assert sparseness["skaws"] > sparseness["PCA"]
    assert np.mean(cosines["skaws"]) > 0.9
    np.testing.assert_allclose(noise, 0.1, rtol=0.05)
    assert len(picture.axes) == 6


def test_ica_voices():
    example = load("plot_ica_voices.py")
    bursts = example.bursts(seconds=0.5, n_voices=3)
    figures, picture = example.run(bursts, cases=((0.5, 0.2),), max_iter=200)
    correlations, noise = figures[0.5, 0.2]
    assert np.mean(correlations["skaws"]) > np.mean(correlations["FastICA"])
    assert np.mean(correlations["skaws"]) > np.mean(correlations["skaws unmixing"])
    np.testing.assert_allclose(noise, 0.5, rtol=0.2)
    assert len(picture.axes) == 12


def test_ica_artefacts():
    example = load("plot_ica_artefacts.py")
    artefacts, figures, X_left, picture = example.run(example.waves())
    assert len(artefacts) == 2
    for number in artefacts:
        _, recorded, cleaned, change = figures[number, "loud"]
        assert cleaned < 0.7 * recorded and change > 0.7 * recorded
        assert figures[number, "quiet"][3] < 0.1 * change
    assert not np.isnan(X_left).any() and len(picture.axes) == 3


def test_blowflies():
    model, X, picture = load("plot_blowflies.py").run(
        n_times=100, n_simulations=200, n_final=600
    )
    assert model.distance_ < 1.2 and abs(model.parameters_["tau"] - 7.0) < 1.5
    assert X.shape == (1, 100) and len(picture.axes) == 8


def test_hodgkin_huxley():
    model, X, picture = load("plot_hodgkin_huxley.py").run(
        n_times=300, n_simulations=150, n_final=0, max_iter=12
    )
    assert X.shape == (1, 300) and len(picture.axes) == 2
    assert np.all(np.isfinite(model.mean_)) and model.r2_["error"] > 0.5


def test_oscillation():
    # A third of the steps that it needs.
    learnt, truth, error, picture = load("plot_oscillation.py").run(max_iter=300)
    assert abs(learnt["period"] / truth["period"] - 1) < 0.25
    assert error < 0.7 and len(picture.axes) == 2  # places have standard deviation one


def test_functions():
    ratio, distance, picture = load("plot_functions.py").run(max_iter=150)
    assert 0.7 < ratio < 1.6 and distance < 0.4 and len(picture.axes) == 4


def test_images():
    errors, accuracy, picture = load("plot_images.py").run(max_iter=1500)
    assert errors["skaws"] < 0.8 * errors["PCA"] < errors["nothing done"]
    assert accuracy["skaws"] > 0.93 and len(picture.axes) == 9 * 12


def test_displays():
    example = load("plot_displays.py")
    assert 1 <= example.n_components <= 5
    assert example.scree.scores[0] < example.scree.scores.max() - 1


def test_pinwheel():
    nats, weights, purity, picture = load("plot_pinwheel.py").run(max_iter=2500)
    assert nats["skaws, clusters behind a network"] > nats["5 Gaussians"] + 0.4
    assert weights[:5].sum() > 0.95 and purity > 0.9
    assert len(picture.axes) == 3


def test_predators():
    model, X, picture = load("plot_predators.py").run(n_simulations=200, n_final=600)
    assert model.distance_ < 1.2 and abs(np.log(model.parameters_["gamma"] / 0.8)) < 0.7
    assert X.shape == (1, 26, 2) and len(picture.axes) == 2


def test_population():
    model, truth, (pooled, single), picture = load("plot_population.py").run(
        n_ponds=12, n_simulations=200, n_final=400
    )
    assert pooled.shape == single.shape == (12, 3) and len(picture.axes) == 3
    median = np.exp(np.mean(np.log(truth["catch"])))
    assert abs(model.parameters_["catch"] / median - 1) < 0.2


def test_stiff():
    model, X, picture = load("plot_stiff.py").run(max_iter=8, n_final=200)
    assert X.shape == (1, 30, 3) and len(picture.axes) == 2
    assert abs(np.log(model.parameters_["slow"] / 0.04)) < 0.3


def test_simulator_benchmark(capsys):
    load("benchmarks/bench_simulator.py").main(["--series", "1", "--tasks", "Ricker"])
    assert "ABC: error" in capsys.readouterr().out


def test_functions_benchmark(capsys):
    load("benchmarks/bench_functions.py").main(["--only", "pixels", "--max-iter", "3"])
    assert capsys.readouterr().out.count("nats a pixel") == 3


def test_images_benchmark(capsys):
    arguments = ["--cases", "8x8", "--seeds", "0", "--steps", "60"]
    load("benchmarks/bench_images.py").main(arguments)
    assert capsys.readouterr().out.count("Frechet") == 7


def test_simulator_table(capsys):
    rows = ["ignored", "misfit", "speed"]
    load("benchmarks/bench_simulator_table.py").main([*rows, "--series", "1"])
    assert capsys.readouterr().out.count("(bar") == 6


def test_circle():
    found, picture = load("plot_circle.py").run(
        n_rows=150, noise=0.1, max_iter=140, n_hidden=20
    )
    ours = found["AmortisedLearner"]
    assert abs(ours["times round"]) == 1 and ours["steps forward"] == 1
    assert ours["largest step (degrees)"] < 30
    assert ours["error of a pixel"] < 0.05
    assert len(picture.axes) == 3 * 12 + 2


def test_seasons():
    pytest.importorskip("statsmodels")
    figures, picture = load("plot_seasons.py").run(max_iter=300)
    # By chance, a quarter is within six weeks, and the median is three months.
    assert figures["within six weeks"] > 0.7
    assert figures["median error (months)"] < 1.5
    assert len(picture.axes) == 2


def test_gradient():
    cosines, errors, picture = load("plot_gradient.py").run(
        sizes=(100, 400), n_rows=50, n_repeats=1
    )
    for rows in ("of the model", "off the model"):
        ours, best, _, prior, _ = (name for *_, name in list(errors)[:5])
        assert errors[rows, "ten factors", ours][-1] < 0.1
        assert errors[rows, "ten factors", prior][-1] > 1.0
        assert cosines[rows, "ten factors", ours][-1] > 0.99
        assert cosines[rows, "two factors", best][-1] > 0.99
    bound = errors["of the model", "curved plane", "mean-field bound"]
    assert bound[0] == bound[1] > 0.02
    assert len(picture.axes) == 8


def test_guessing():
    pytest.importorskip("statsmodels")
    report, figures, picture = load("plot_guessing.py").run(max_iter=60, n_splits=2)
    assert all(finding.holds for finding in report.findings)
    fitted = figures["log-likelihood"]
    none, best = fitted["scipy, no latent"], fitted["scipy"]
    assert best - 0.04 < fitted["AmortisedLearner"] < best + 1e-6  # nats a respondent
    assert fitted["regression of the residual"] > none + 0.5 * (best - none)
    held_out = figures["held out"]
    assert held_out["knows or guesses"] > held_out["knows"] + 0.2
    correlations = figures["own place and party"]
    assert correlations["knows"] > correlations["little schooling"] + 0.15
    assert correlations["guesses"] < correlations["little schooling"] - 0.15
    assert len(picture.axes) == 3


def test_robust_factors():
    angles, picture = load("plot_robust_factors.py").run(
        shares=(0.05,), n_seeds=1, max_iter=150
    )
    assert angles["skaws, Student's t noise"][0, 0] < 10  # degrees
    assert angles["EM (FactorAnalysis)"][0, 0] > 20
    assert len(picture.axes) == 4


def test_nmf_digits():
    figures, picture = load("plot_nmf_digits.py").run(n_binary=8, max_iter=120)
    assert figures["hidden"]["skaws"] < figures["hidden"]["scikit-learn"]
    assert figures["flipped"]["skaws"] < 0.1  # as many as were flipped
    assert len(picture.axes) == 9 * 12


def test_nmf_topics():
    pytest.importorskip("lda")
    model, perplexities, topics, picture = load("plot_nmf_topics.py").run(
        n_components=4, n_words=300, max_iter=60
    )
    assert perplexities["topics"] < perplexities["one topic"]
    assert len(topics) == 4 and np.all(model.shape_ < 1)
    assert len(picture.axes) == 2


def test_nmf_benchmark(capsys, monkeypatch):
    bench = load("benchmarks/bench_nmf.py")
    monkeypatch.setattr(bench, "TABLES", {"toy": (toy_counts, 3, {"max_iter": 20})})
    monkeypatch.setattr(bench, "PLANTED", {"toy": {"k": 2, "d": 8, "n": 100}})
    monkeypatch.setattr(bench, "mnist", toy_pictures)
    bench.compare("toy", 1)
    bench.compare_with_truth(23)
    bench.bench_planted(1)
    bench.bench_binary(n_components=3, n_train=80)
    bench.bench_rows(sizes=(2000,), n_columns=30)
    numbers = capsys.readouterr().out.split()
    assert "nan" not in numbers and numbers.count("toy") == 2


def toy_counts(seed):
    return np.random.default_rng(seed).poisson(2.0, (100, 6))


def toy_pictures():
    return 255.0 * (np.random.default_rng(0).random((120, 9)) < 0.5)


def test_ica_benchmark(capsys):
    load("benchmarks/bench_ica.py").main(["--seeds", "1", "--cases", "toy"])
    assert "toy" in capsys.readouterr().out
    load("benchmarks/bench_ica.py").main(["--tables", "iris"])
    assert capsys.readouterr().out.count("iris") == 3


def test_speed_benchmark(capsys, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES / "benchmarks")
    bench = load("benchmarks/bench_speed.py")
    few = [case for case in bench.cases() if case[0] == "sources, 6 x 8"]
    monkeypatch.setattr(bench, "cases", lambda: few)
    bench.main(n_timed=3, names=["parabola"])
    said = capsys.readouterr().out
    assert "nan" not in said and said.count(" ms ") == 2


def test_learner_benchmark(capsys, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES / "benchmarks")
    bench = load("benchmarks/bench_learner.py")
    monkeypatch.setattr(
        bench, "AmortisedLearner", partial(bench.AmortisedLearner, max_iter=3)
    )
    monkeypatch.setattr(bench, "digits", lambda seed: np.split(toy_pictures() / 255, [90]))
    monkeypatch.setattr(bench, "N_STARTS", 1)
    monkeypatch.setattr(bench, "MANY_DRAWS", 200)
    cases = "waiting", "parabola", "2 clusters", "3 classes", "factors in a dictionary"
    bench.main(["--seeds", "1", "--cases", *cases])
    bench.pictures("digits", 0, n_latents=2)
    bench.circle("circle", 0, n_rows=50)
    bench.codes("codes", 0, n_latents=2)
    X = np.random.default_rng(0).exponential(size=(100, 1))
    assert " at sd" in bench.score_identity(bench.inflated(bench.WAITING), X, 0)
    said = capsys.readouterr().out
    assert "nan" not in said and said.count(" s (") == 7
    assert said.count("fixed") == 2  # in a heading and a row


def test_misfits_benchmark(capsys, monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES / "benchmarks")
    bench = load("benchmarks/bench_misfits.py")
    tables = {"wine": bench.tables_of("mixture")["wine, cubed"]}
    monkeypatch.setattr(bench, "tables_of", lambda name: tables)
    short = SimpleNamespace(name="any", learning_rate=0.01, max_iter=9)
    monkeypatch.setattr(bench, "choose_method", lambda *args: short)
    monkeypatch.setattr(bench, "N_SCORED", 5)
    bench.main(["--seeds", "1", "--models", "mixture"])
    said = capsys.readouterr().out
    assert said.count(" any surprise ") == 4 and "neither: " in said


def test_benchmark(capsys, monkeypatch):
    bench = load("benchmarks/bench_factor_analysis.py")
    monkeypatch.setattr(bench, "real_tables", lambda: [("digits", digits(), 3)])
    bench.bench_likelihood(1)
    bench.bench_missing(1)
    bench.bench_rows(1000)
    bench.bench_small()
    numbers = capsys.readouterr().out.split()
    assert "nan" not in numbers
    assert np.sum([number.startswith("-") for number in numbers]) >= 4


def digits():
    quickstart = load("plot_quickstart.py")
    return quickstart.Pixels().train[:300]
