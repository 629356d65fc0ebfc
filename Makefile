# Each target sets up all that it needs, in .venv; nothing else has to be installed first.

PYTHON ?= python3
BIN := .venv/bin
# One thread everywhere: small matrices are slower on two, results repeat, and tests have two
# processes already.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export MPLBACKEND := Agg

.PHONY: quickstart test test-oldest bench bench-ica bench-nmf bench-learner bench-simulator bench-simulator-table bench-images bench-image-step bench-large bench-layers bench-functions bench-paths bench-misfits bench-alarms bench-speed fuzz structure doc wheel clean

# One stamp file for each set of extras, renewed when the requirements change.
.venv/%.stamp: setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@

quickstart: .venv/plot.stamp
	$(BIN)/python examples/plot_quickstart.py

test: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	# Two processes or more; plain `pytest` runs in one.
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

# With the oldest versions that setup.py allows; those of `make test` are the newest.
test-oldest:
	test -x .venv-oldest/bin/python || $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --constraint tests/oldest.txt --editable ".[test]"
	.venv-oldest/bin/python -m pytest --numprocesses auto --dist worksteal

# A thousand random fits, other ones than those of the tests; FIRST=5000 gives others still.
FITS := 1000
FIRST := 1000
fuzz: .venv/test.stamp
	$(BIN)/python -m tests.fuzz --first $(FIRST) --fits $(FITS)

bench: .venv/test.stamp
	$(BIN)/python examples/benchmarks/bench_factor_analysis.py

bench-ica: .venv/test.stamp
	$(BIN)/python examples/benchmarks/bench_ica.py

bench-nmf: .venv/bench.stamp
	$(BIN)/python examples/benchmarks/bench_nmf.py

bench-learner: .venv/plot.stamp
	$(BIN)/python examples/benchmarks/bench_learner.py

bench-simulator: .venv/plot.stamp
	$(BIN)/python examples/benchmarks/bench_simulator.py

bench-simulator-table: .venv/plot.stamp
	$(BIN)/python examples/benchmarks/bench_simulator_table.py

bench-images: .venv/bench.stamp
	$(BIN)/python examples/benchmarks/bench_images.py

bench-large: .venv/dask.stamp
	$(BIN)/python examples/benchmarks/bench_large.py

bench-layers: .venv/bench.stamp
	$(BIN)/python examples/benchmarks/bench_layers.py

bench-image-step: .venv/bench.stamp
	$(BIN)/python examples/benchmarks/bench_image_step.py

bench-functions: .venv/bench.stamp
	$(BIN)/python examples/benchmarks/bench_functions.py

bench-paths: .venv/test.stamp
	$(BIN)/python examples/benchmarks/bench_paths.py

bench-misfits: .venv/test.stamp
	$(BIN)/python examples/benchmarks/bench_misfits.py

bench-alarms: .venv/test.stamp
	$(BIN)/python examples/benchmarks/bench_alarms.py

bench-speed: .venv/test.stamp
	$(BIN)/python examples/benchmarks/bench_speed.py

structure: .venv/test.stamp
	$(BIN)/python examples/benchmarks/structure.py

# The recordings in phonlab and spkit are for two examples; what else they ask for is not.
doc: .venv/doc.stamp
	$(BIN)/python -m pip install --quiet --no-deps phonlab spkit
	rm -rf doc/generated
	$(BIN)/python -m sphinx -W --keep-going -b html doc doc/_build/html
	@echo "Open doc/_build/html/index.html"

# A wheel must work where nothing of this repository is: no checkout, no extras.
wheel:
	rm -rf build dist .venv-wheel
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet --upgrade pip
	.venv-wheel/bin/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	.venv-wheel/bin/python -m pip install --quiet dist/skaws-*.whl
	cd / && $(CURDIR)/.venv-wheel/bin/python $(CURDIR)/.ci/try_wheel.py

clean:
	rm -rf .venv .venv-wheel build dist doc/_build doc/auto_examples doc/generated
