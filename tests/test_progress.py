"""Laws of what a fit prints."""

import pytest

from skaws.progress import Rows, Silent, Table, make_progress


def lines_of(progress, n_iter, capsys):
    for number in range(1, n_iter + 1):
        progress.update(number, {"objective": -1.5 * number, "gain": 0.25})
    progress.close("the end")
    return capsys.readouterr().out.splitlines()


def numbers(lines):
    """First entries of a table's rows, between header and ending."""
    return [int(line.split()[0]) for line in lines[2:-1]]


def test_silent_prints_nothing(capsys):
    assert lines_of(Silent(), 5, capsys) == []


def test_table_starts_with_its_name_and_one_header(capsys):
    lines = lines_of(Table("Toy", 1, 5), 5, capsys)
    assert lines[0] == "Toy"
    assert lines[1].split() == ["iteration", "objective", "gain", "seconds", "left"]
    assert sum("objective" in line for line in lines) == 1


@pytest.mark.parametrize(
    ("every", "n_iter", "expected"),
    [
        (1, 3, [1, 2, 3]),
        (4, 10, [1, 4, 8, 10]),
        (5, 10, [1, 5, 10]),
        (100, 1, [1]),
    ],
)
def test_table_has_the_first_row_every_so_many_and_the_last(
    every, n_iter, expected, capsys
):
    assert numbers(lines_of(Table("Toy", every, n_iter), n_iter, capsys)) == expected


def test_table_ends_with_the_ending(capsys):
    assert lines_of(Table("Toy", 3, 5), 5, capsys)[-1] == "Toy: the end"


def test_table_without_any_iteration_is_its_ending(capsys):
    assert lines_of(Table("Toy", 3, 5), 0, capsys) == ["Toy: the end"]


def test_row_holds_the_values_under_their_titles(capsys):
    lines = lines_of(Table("Toy", 1, 5), 2, capsys)
    assert lines[3].split()[:3] == ["2", "-3", "0.25"]
    titles, row = lines[1], lines[3]
    assert titles.index("gain") + len("gain") == row.index("0.25") + len("0.25")


@pytest.mark.parametrize(("verbose", "n_rows"), [(1, 11), (2, 50)])
def test_verbose_gives_about_ten_rows_or_all(verbose, n_rows, capsys):
    lines = lines_of(make_progress(verbose, "Toy", max_iter=50), 50, capsys)
    assert len(numbers(lines)) == n_rows


@pytest.mark.parametrize("verbose", [0, False])
def test_not_verbose_is_silent(verbose):
    assert isinstance(make_progress(verbose, "Toy", max_iter=50), Silent)


def test_starts_are_numbered(capsys):
    table = make_progress(1, "Toy", max_iter=5, number=2, n_starts=3)
    lines = lines_of(table, 5, capsys)
    assert lines[0] == "Toy, start 2 of 3"
    assert lines[-1] == "Toy, start 2 of 3: the end"


@pytest.mark.parametrize("size", [1.2345678e-12, -1.2345678e5, -1.2345678e-5, 1.2345e300])
def test_a_table_fits_into_80_columns(size, capsys):
    names = ["objective", "gain", "gradient_norm", "weight_sum", "regression_error"]
    values = dict.fromkeys([*names, "input_distance"], size)
    table = Table("Toy", 1, 100_000)
    for number in (1, 2, 99_999):
        table.update(number, values)
    rows = capsys.readouterr().out.splitlines()[1:]
    assert max(map(len, rows)) <= 80
    assert [len(row.split()) for row in rows] == [8, 7, 9, 9]  # none runs into another


def test_seconds_left_go_by_the_iterations_so_far(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 2.0, 3.0, 40.0])
    monkeypatch.setattr("skaws.progress.perf_counter", lambda: next(clock))
    table = Table("Toy", 1, 10)
    for number in (1, 2, 3, 10):
        table.update(number, {"gain": 1.0})
    lasts = [line.split()[-1] for line in capsys.readouterr().out.splitlines()[3:]]
    assert lasts == ["8", "7", "0"]  # after 2 s for two of ten


def test_answers_that_take_long_tell_how_far_they_are(capsys, monkeypatch):
    clock = iter([0.0, 4.0, 6.0, 7.0, 12.0])
    monkeypatch.setattr("skaws.progress.perf_counter", lambda: next(clock))
    rows = Rows("Toy", 400)
    for number in (100, 200, 250, 300):
        rows.update(number)
    assert capsys.readouterr().out.splitlines() == [
        "Toy: 200 of 400 rows, 6 s, 6 s left",
        "Toy: 300 of 400 rows, 12 s, 4 s left",
    ]
