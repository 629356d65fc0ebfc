"""A running mean that no batch's information exceeds."""

from skaws.regression import RunningInformation


class Number(float):
    def averaged(self, fresh, share):
        return Number(self + share * (fresh - self))

    def at_least(self, fresh):
        return max(self, fresh)


def test_first_values_are_averaged_plainly_and_later_ones_forget():
    regression = RunningInformation()
    for value in (6.0, 3.0, 3.0):
        regression.update(Number(value))
    assert abs(regression.information_ - 4.0) < 1e-12
    for _ in range(200):
        regression.update(Number(1.0))
    assert abs(regression.information_ - 1.0) < 1e-6
    regression.update(Number(9.0))  # what a batch shows holds for its own step
    assert regression.information_ == 9.0
    regression.update(Number(1.0))
    assert 1.5 < regression.information_ < 2.0
