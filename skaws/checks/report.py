"""What a check found."""

from typing import NamedTuple

__all__ = ["Finding", "ModelCheckError", "Report"]


class Finding(NamedTuple):
    """What the test of one law found."""

    law: str
    holds: bool
    detail: str


class Report(NamedTuple):
    """Findings on one model; ``str`` is a table for people."""

    model: str
    findings: tuple

    def __str__(self):
        width = max(len(finding.law) for finding in self.findings)
        rows = [
            f"  {'ok  ' if holds else 'FAIL'}  {law:<{width}}  {detail}"
            for law, holds, detail in self.findings
        ]
        return "\n".join([f"check_model of {self.model}", *rows])


class ModelCheckError(AssertionError):
    """A law does not hold; the message is the report.

    Parameters
    ----------
    report : Report
        The findings; kept as the attribute ``report``.
    """

    def __init__(self, report):
        super().__init__(str(report))
        self.report = report
