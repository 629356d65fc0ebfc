"""Tables of dask: the same fits as in memory, and answers that wait."""

from itertools import islice

import joblib
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from skaws import AmortisedFactorAnalysis, AmortisedICA, AmortisedLearner, AmortisedNMF
from skaws.decoders import MLP, Linear
from skaws.likelihoods import Gaussian as GaussianNoise
from skaws.models import LatentVariableModel
from skaws.objectives import EnumeratedLikelihood, ResidualRegression
from skaws.optimizers import Adam
from skaws.priors import Categorical, Gaussian
from skaws.spaces import leaves
from skaws.wake_sleep import wake_in_blocks, wake_sleep

da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")
pd = pytest.importorskip("pandas")

EXACT = 1e-10  # of sums in another order: rounding of 172 steps was 2e-13


def factor_rows(n_rows=1500, seed=0):
    rng = np.random.default_rng(seed)
    noise = 0.5 * rng.standard_normal((n_rows, 6))
    return rng.standard_normal((n_rows, 2)) @ rng.standard_normal((2, 6)) + noise


def counts(seed=0):
    rng = np.random.default_rng(seed)
    means = rng.gamma(1, 1, (900, 3)) @ rng.gamma(0.5, 2, (3, 8))
    return rng.poisson(means).astype(float)


def clusters(seed=0):
    rng = np.random.default_rng(seed)
    return rng.choice([-2.0, 2.0], (600, 1)) + rng.standard_normal((600, 3))


def gap(one, other):
    """Largest difference of params, relative to those above one."""
    pairs = zip(leaves(one), leaves(other), strict=True)
    return max(
        np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b))) for (_, a), (_, b) in pairs
    )


def factors(**options):
    return AmortisedFactorAnalysis(2, random_state=0, **options)


@pytest.fixture(scope="module")
def cluster():
    """Two processes of one thread each."""
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**how) as local, distributed.Client(local) as client:
        yield client


class TestBatches:
    """Rows of a mini-batch are those of memory, so that fits agree to the bit."""

    @pytest.mark.parametrize(
        ("estimator", "X"),
        [
            (factors(batch_size=400), factor_rows()),
            (AmortisedNMF(3, max_iter=60, random_state=0), counts()),
            (AmortisedICA(2, batch_size=500, max_iter=60, random_state=0), factor_rows()),
            (
                AmortisedLearner(
                    LatentVariableModel(Categorical(2), Linear(), GaussianNoise()),
                    max_iter=60,
                    random_state=0,
                ),
                clusters(),
            ),
        ],
        ids=["factors", "nmf", "ica", "learner"],
    )
    @pytest.mark.filterwarnings("ignore")
    def test_same_as_in_memory(self, estimator, X):
        blocks = da.from_array(X, chunks=(X.shape[0] // 3 + 1, 2))
        in_memory = estimator.fit(X).params_
        assert gap(estimator.fit(blocks).params_, in_memory) == 0.0

    def test_stream(self):
        X = factor_rows()
        blocks = da.from_array(X, chunks=(400, 6))
        one, other = factors(batch_size=300), factors(batch_size=300)
        for table in (X, X):
            one.partial_fit(table)
        for table in (blocks, blocks):
            other.partial_fit(table)
        assert gap(one.params_, other.params_) == 0.0

    def test_weights(self):
        X, weights = factor_rows(), np.random.default_rng(1).integers(0, 3, 1500)
        blocks = da.from_array(X, chunks=(400, 6)), da.from_array(weights, chunks=400)
        one = factors(batch_size=400).fit(X, sample_weight=weights)
        other = factors(batch_size=400).fit(blocks[0], sample_weight=blocks[1])
        assert gap(one.params_, other.params_) == 0.0

    def test_blocks_are_read_a_few_times_only(self):
        n_read = 0

        def block(rows):
            nonlocal n_read
            n_read += 1
            return rows

        X = factor_rows()
        blocks = da.from_array(X, chunks=(500, 6)).map_blocks(block, meta=np.empty((0, 6)))
        fitted = factors(batch_size=100).fit(blocks)
        assert n_read < 0.5 * 3 * fitted.n_iter_


class TestWholeTable:
    """Where all rows make one batch, each block gives one vector, wherever it lies."""

    def test_same_as_in_memory(self, cluster):
        X = factor_rows()
        blocks = da.from_array(X, chunks=(400, 6))
        in_memory = factors(batch_size=5000).fit(X)
        found = factors(batch_size=5000).fit(blocks)
        assert found.n_iter_ == in_memory.n_iter_
        assert gap(found.params_, in_memory.params_) < EXACT

    def test_blocks_without_rows_or_weight(self):
        X, weights = factor_rows(), np.ones(1500)
        weights[400:800] = 0.0
        frame = dd.from_pandas(pd.DataFrame(X), npartitions=3)
        frame = dd.concat([frame[frame[0] > 1e6], frame])  # three empty partitions
        how = {"sample_weight": weights}
        in_memory = factors(batch_size=5000).fit(X, **how)
        for table in (da.from_array(X, chunks=(400, 6)), frame):
            found = factors(batch_size=5000).fit(table, **how)
            assert gap(found.params_, in_memory.params_) < EXACT

    def test_another_seed_differs(self):
        # What the law would miss if both came to one maximum whatever they did.
        X = factor_rows()
        one = factors(batch_size=5000).fit(X)
        other = factors(batch_size=5000).set_params(random_state=1).fit(X)
        assert gap(one.params_, other.params_) > 1e6 * EXACT

    @pytest.mark.parametrize(
        ("model", "objective"),
        [
            (
                LatentVariableModel(Gaussian(2), Linear(), GaussianNoise()),
                ResidualRegression(),
            ),
            (
                LatentVariableModel(
                    Categorical(2), MLP((3,), weight_sd=0.5), GaussianNoise()
                ),
                EnumeratedLikelihood(),
            ),
        ],
        ids=["holes", "prior over weights"],
    )
    def test_loop(self, model, objective, monkeypatch, cluster):
        n_steps = 0

        def counted(*args, **how):
            nonlocal n_steps
            n_steps += 1
            return wake_in_blocks(*args, **how)

        monkeypatch.setattr("skaws.wake_sleep.wake_in_blocks", counted)
        rng = np.random.default_rng(0)
        X, weights = clusters(), rng.uniform(0.5, 2.0, 600)
        weights[250:500] = 0.0  # a block that says nothing, not even of the prior
        if isinstance(model.prior, Gaussian):
            X[rng.random(X.shape) < 0.1] = np.nan
            X = X[~np.isnan(X).all(axis=1)]
        params = model.init_params(X, np.random.default_rng(1))
        weights = weights[: len(X)]
        how = {"objective": objective, "batch_size": 10_000, "sample_weight": weights}
        ends = []
        for table in (X, da.from_array(X, chunks=(250, 3))):
            loop = wake_sleep(
                model, table, params, Adam(), rng=np.random.default_rng(2), **how
            )
            *_, last = islice(loop, 30)
            ends.append(last)
        assert n_steps == 30  # of the second table alone
        assert gap(ends[0].params, ends[1].params) < EXACT
        assert ends[0].objective == pytest.approx(ends[1].objective, rel=EXACT)
        in_memory, found = (dict(end.diagnostics) for end in ends)
        assert in_memory.pop("weight_sum") <= found.pop("weight_sum") + EXACT
        assert found == pytest.approx(in_memory, rel=1e-6)


@pytest.fixture(scope="module")
def fitted():
    return factors().fit(factor_rows())


class TestAnswers:
    def test_answers_wait_for_their_blocks(self, fitted):
        X = factor_rows()
        read = []

        def block(rows):
            read.append(len(rows))
            return rows

        blocks = da.from_array(X, chunks=(400, 3)).rechunk({1: 6})
        blocks = blocks.map_blocks(block, meta=np.empty((0, 6)))
        latents, scores = fitted.transform(blocks), fitted.score_samples(blocks)
        assert sum(read) < len(X)  # the first rows alone were looked at
        assert latents.shape == (1500, 2) and scores.shape == (1500,)
        np.testing.assert_allclose(latents.compute(), fitted.transform(X), atol=EXACT)
        np.testing.assert_allclose(scores.compute(), fitted.score_samples(X), atol=EXACT)
        assert fitted.score(blocks) == pytest.approx(fitted.score(X))

    def test_on_a_cluster(self, fitted, cluster):
        X = factor_rows()
        latents = fitted.transform(da.from_array(X, chunks=(400, 6)))
        np.testing.assert_allclose(latents.compute(), fitted.transform(X), atol=EXACT)

    def test_data_frame(self):
        X = pd.DataFrame(factor_rows(), columns=list("abcdef"))
        X["a"] = X["a"].round(2).astype("Float64")
        X.loc[3, "a"] = pd.NA
        frame = dd.from_pandas(X, npartitions=3)
        one, other = (
            factors(batch_size=400).fit(X),
            factors(batch_size=400).fit(frame),
        )
        assert gap(one.params_, other.params_) < EXACT
        assert list(other.feature_names_in_) == list("abcdef")
        latents = other.transform(frame[frame["b"] > 0.5])
        expected = one.transform(X[X["b"] > 0.5])
        np.testing.assert_allclose(latents.compute(), expected, atol=EXACT)
        with pytest.raises(ValueError, match="feature names"):
            other.transform(frame.rename(columns={"a": "z"}))

    def test_other_answers_say_what_to_do(self, fitted):
        blocks = da.from_array(factor_rows(), chunks=(400, 6))
        with pytest.raises(TypeError, match="takes rows in memory"):
            fitted.sample_posterior(blocks)

    def test_given_columns(self):
        model = LatentVariableModel(Categorical(2), Linear(), GaussianNoise())
        blocks = da.from_array(clusters(), chunks=(400, 3))
        with pytest.raises(TypeError, match="rows in memory only"):
            AmortisedLearner(model).fit(blocks, given=np.zeros((600, 1)))


class TestContainers:
    def test_blocks_of_unknown_length(self, fitted):
        X = factor_rows()
        frame = dd.from_pandas(pd.DataFrame(X), npartitions=3)
        found = factors(batch_size=400).fit(frame.to_dask_array())
        assert gap(found.params_, factors(batch_size=400).fit(X).params_) == 0.0
        latents = fitted.transform(frame.to_dask_array())
        np.testing.assert_allclose(latents.compute(), fitted.transform(X), atol=EXACT)
        assert fitted.score(frame.to_dask_array()) == pytest.approx(fitted.score(X))

    def test_what_is_masked_is_missing(self, fitted):
        X = np.ma.masked_greater(factor_rows(), 2.0)
        blocks = da.ma.masked_greater(da.from_array(factor_rows(), chunks=(400, 6)), 2.0)
        found = factors(batch_size=400).fit(blocks)
        assert gap(found.params_, factors(batch_size=400).fit(X).params_) == 0.0
        latents = fitted.transform(blocks).compute()
        np.testing.assert_allclose(latents, fitted.transform(X), atol=EXACT)

    def test_sparse_blocks(self):
        blocks = da.from_array(counts(), chunks=(400, 8)).map_blocks(csr_matrix)
        with pytest.raises(TypeError, match="blocks of dask that are dense"):
            AmortisedNMF(3).fit(blocks)

    @pytest.mark.parametrize("kind", ["array", "series"])
    def test_one_axis(self, kind):
        X = da.from_array(factor_rows()[:, 0], chunks=400)
        if kind == "series":
            X = dd.from_pandas(pd.Series(factor_rows()[:, 0]), npartitions=2)
        with pytest.raises(ValueError, match="Expected (2D|a 2-dim)"):
            factors().fit(X)


class TestBadRows:
    def test_infinity(self):
        X = factor_rows()
        X[1200, 3] = np.inf
        with pytest.raises(ValueError, match="infinity in row 1200, column 3"):
            factors().fit(da.from_array(X, chunks=(400, 6)))

    def test_empty_row(self):
        X = factor_rows()
        X[1200] = np.nan
        with pytest.raises(ValueError, match="Row 1200 of X has no observed entry"):
            factors().fit(da.from_array(X, chunks=(400, 6)))

    def test_negative_counts(self):
        X = counts()
        X[500, 0] = -1
        with pytest.raises(ValueError, match="Negative values"):
            AmortisedNMF(3).fit(da.from_array(X, chunks=(400, 8)))

    def test_one_column_short(self):
        fitted = factors().fit(factor_rows())
        with pytest.raises(ValueError, match="6 features"):
            fitted.transform(da.zeros((10, 5)))


def test_restarts_on_a_cluster(cluster):
    X = factor_rows(600)
    expected = factors(n_init=2).fit(X)
    with joblib.parallel_config(backend="dask"):
        found = factors(n_init=2).fit(X)
    assert gap(found.params_, expected.params_) == 0.0
