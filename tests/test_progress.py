"""Laws of what a fit prints."""

import pytest

from skaws.progress import Silent, Table, make_progress


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
    lines = lines_of(Table("Toy", every=1), 5, capsys)
    assert lines[0] == "Toy"
    assert lines[1].split() == ["iteration", "objective", "gain", "seconds"]
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
    assert numbers(lines_of(Table("Toy", every), n_iter, capsys)) == expected


def test_table_ends_with_the_ending(capsys):
    assert lines_of(Table("Toy", every=3), 5, capsys)[-1] == "Toy: the end"


def test_table_without_any_iteration_is_its_ending(capsys):
    assert lines_of(Table("Toy", every=3), 0, capsys) == ["Toy: the end"]


def test_row_holds_the_values_under_their_titles(capsys):
    lines = lines_of(Table("Toy", every=1), 2, capsys)
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
