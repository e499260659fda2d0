"""A confusion matrix as a picture, made of what a record says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from benchsuite_registry.contracts import Metric
from numpy.typing import NDArray

from benchsuite.pictures.drawing import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RIGHT, CONFUSED = "action=", ("true=", " predicted=")
"""How groups begin: of the headline, an action's share of right answers; of ``confusion``, two actions."""


def confusion_matrix(metrics: Sequence[Metric]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Shares (A, A) in %, a row for each true action and a column for each answer, and the actions' names.

    Args:
        metrics: of one record: the headline of each ``action=`` and ``confusion`` of each ``true= predicted=``; a
            confusion that is not there is 0.

    Raises:
        ValueError: the metrics tell of no confusions.
    """
    headline = metrics[0].name if metrics else ""
    right = {m.group.removeprefix(RIGHT): m.value for m in metrics if m.name == headline and m.group.startswith(RIGHT)}
    confused = [m for m in metrics if m.name == "confusion"]
    if not right or (not confused and any(share < 100 for share in right.values())):
        raise ValueError("wanted metrics of a classifier, with its confusions, found none")
    column = {name: k for k, name in enumerate(right)}
    shares = np.diag(list(right.values()))
    for metric in confused:
        true, _, answer = metric.group.removeprefix(CONFUSED[0]).partition(CONFUSED[1])
        shares[column[true], column[answer]] = metric.value
    return shares, tuple(right)


def draw_confusions(metrics: Sequence[Metric]) -> Figure:
    """The matrix of ``confusion_matrix``, shares of 0.5 % and more written in; errors as there.

    Raises:
        NoMatplotlib: matplotlib is not installed.
    """
    shares, names = confusion_matrix(metrics)
    size = 2.5 + 0.42 * len(names)
    figure = new_figure(size, size)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=100.0)
    for row, column in np.argwhere(shares >= 0.5):
        share = shares[row, column]
        axes.text(column, row, f"{share:.0f}", ha="center", va="center", color="white" if share > 50 else "black")
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("answer")
    axes.set_ylabel("true action")
    axes.set_title(f"{metrics[0].name}: {metrics[0].value:.1f} {metrics[0].unit}; shares of each row in %", fontsize=10)
    return figure
