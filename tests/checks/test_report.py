"""What was found is told, as a table and as an error."""

import re

import numpy as np
import pytest

from skaws.checks import ModelCheckError, Report, check_model

from ..common import altered
from .wrong import LAWS, RIGHT


def test_report_has_a_line_a_law(X):
    report = check_model(RIGHT, X)
    header, *lines = str(report).splitlines()
    assert header == "check_model of LatentVariableModel"
    assert len(lines) == len(report.findings) == len(LAWS)
    for line, law in zip(lines, LAWS, strict=True):
        assert re.fullmatch(rf"  ok    {law} +\S.*", line)


def test_failing_report_is_the_message_of_the_error(X):
    wrong = altered(RIGHT, log_joint=lambda *args: np.full(3, np.nan))
    with pytest.raises(ModelCheckError) as caught:
        check_model(wrong, X)
    assert isinstance(caught.value.report, Report)
    assert str(caught.value) == str(caught.value.report)
    assert "  FAIL  log_joint is one finite number a pair" in str(caught.value)
