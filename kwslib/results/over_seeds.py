"""Records of several seeds as one number with its interval, and differences in words."""

from collections.abc import Sequence
from statistics import mean
from typing import Any

from kwslib.evaluation import mean_interval
from kwslib.measurements import Record


def summarised(records: Sequence[Record]) -> dict[str, Any]:
    """Accuracy of records that differ in the seed: the mean with its 95 % interval over seeds.

    Of a single record the interval is that of its clips. ``seeds`` is how many there are.
    """
    values = [record.value for record in records]
    low, high = mean_interval(values) if len(values) > 1 else records[0].interval or (0.0, 1.0)
    return {
        "accuracy": mean(values), "low": max(low, 0.0), "high": min(high, 1.0),
        "seeds": len(values),
    }  # fmt: skip


def points(difference: float) -> str:
    """A difference of accuracies in percentage points.

    >>> points(-0.0123)
    '−1.2 points'
    """
    text = f"{100 * difference:+.1f}".replace("-", "−")
    return ("0.0" if text in ("+0.0", "−0.0") else text) + " points"
