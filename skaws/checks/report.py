"""What a check found."""

from typing import NamedTuple

__all__ = ["Finding", "ModelCheckError", "Report"]


class Finding(NamedTuple):
    """What the test of one law found.

    Attributes
    ----------
    law : str
        Which.
    holds : bool
        Whether it does; also where the model does not claim it.
    detail : str
        Figures, or what to do.
    """

    law: str
    holds: bool
    detail: str


class Report(NamedTuple):
    """Findings on one model; ``str`` is a table for people.

    Attributes
    ----------
    model : str
        Name of its class.
    findings : tuple of Finding
        In the order of the tests, to the first that fails.
    check : str
        Name of the function that found them.

    Examples
    --------
    >>> print(Report("Model", (Finding("sample is finite", True, "latents"),)))
    check_model of Model
      ok    sample is finite  latents
    """

    model: str
    findings: tuple
    check: str = "check_model"

    def __str__(self):
        width = max(len(finding.law) for finding in self.findings)
        rows = [
            f"  {'ok  ' if holds else 'FAIL'}  {law:<{width}}  {detail}"
            for law, holds, detail in self.findings
        ]
        return "\n".join([f"{self.check} of {self.model}", *rows])


class ModelCheckError(AssertionError):
    """A law does not hold; the message is the report.

    Parameters
    ----------
    report : Report
        The findings; kept as the attribute ``report``.

    Examples
    --------
    >>> report = Report("Model", (Finding("sample is finite", False, "latents"),))
    >>> ModelCheckError(report).report.findings[0].holds
    False
    """

    def __init__(self, report):
        super().__init__(str(report))
        self.report = report
