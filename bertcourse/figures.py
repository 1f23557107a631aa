"""The figures that a lesson stands for: each with the band it must lie in, shown, checked and collected."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass

MIME = "application/vnd.bertlib.figure+json"
SHOWN = ("BERT_COURSE_REHEARSAL", "BERT_COURSE_BANDS")  # where one of them is set, bands are shown and not held


class OutOfBand(AssertionError):
    """A figure that a lesson's text relies on came out otherwise."""


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        name: what was measured.
        value: the number.
        low, high: the band, both ends included.
        unit: words after the number, such as "%" or "nats".
        where: the machine or setting that the band is for, such as "with units for bfloat16", if another has another.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str = ""
    where: str = ""

    @property
    def ok(self) -> bool:
        return self.low <= self.value <= self.high

    def show(self, number: float) -> str:
        """The number to four significant digits, with its unit; whole numbers in full."""
        digits = f"{number:,.0f}" if float(number).is_integer() and abs(number) < 1e15 else f"{number:.4g}"
        return f"{digits} {self.unit}".strip()

    @property
    def band(self) -> str:
        """The band in words, and for which machine it is."""
        return f"{self._range} {self.where}".strip()

    @property
    def _range(self) -> str:
        if self.low == self.high:
            return f"exactly {self.show(self.low)}"
        if self.high == float("inf"):
            return f"at least {self.show(self.low)}"
        if self.low == float("-inf"):
            return f"at most {self.show(self.high)}"
        return f"{self.show(self.low)} to {self.show(self.high)}"

    def __str__(self) -> str:
        return f"{'✓' if self.ok else '✗'} {self.name}: {self.show(self.value)}  (expected {self.band})"


def figure(
    name: str,
    value: float,
    low: float = float("-inf"),
    high: float = float("inf"),
    unit: str = "",
    *,
    where: str = "",
) -> None:
    """Show a measured number in a lesson beside the band it must lie in, and stop the lesson if it lies outside.

    `python -m bertcourse course` collects these from the executed notebooks for its table. In a rehearsal, whose data
    are few, and where BERT_COURSE_BANDS is set, nothing stops.

    Args:
        name, value, low, high, unit, where: as in `Figure`; a band that depends on the machine says so in `where`.

    Raises:
        OutOfBand: the value is outside the band (or not a number).
    """
    from IPython.display import display

    measured = Figure(name, float(value), float(low), float(high), unit, where)
    stored = {key: str(field) if isinstance(field, float) else field for key, field in asdict(measured).items()}
    display({"text/plain": str(measured), MIME: stored}, raw=True)
    if not measured.ok and not any(map(os.environ.get, SHOWN)):
        raise OutOfBand(str(measured))


def collect(notebook) -> list[Figure]:
    """The figures in the outputs of an executed notebook (an nbformat NotebookNode), in order."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            stored = output.get("data", {}).get(MIME)
            if stored:
                numbers = {key: float(stored[key]) for key in ("value", "low", "high")}
                found.append(Figure(name=stored["name"], unit=stored["unit"], where=stored.get("where", ""), **numbers))
    return found
