"""The pictures of a training: what they show, and that odd input draws something."""

import numpy as np
import pandas as pd
import pytest

from argminn_core.plot.training import data_figure, loss_figure, score_figure
from argminn_core.tables import HISTORY


def history(epochs):
    flat = dict.fromkeys(HISTORY.columns, 0.5)
    rows = [flat | {"epoch": e, "valid_auroc": 0.6 + e / 100} for e in range(1, epochs + 1)]
    return HISTORY.frame(rows)


def test_both_classes_are_drawn_as_shares_of_their_own():
    gc = {"positives": np.full(30, 0.41), "negatives": np.full(10, 0.62)}
    figure = data_figure(gc, {"positives": np.full(30, 200), "negatives": np.full(10, 150)})
    assert len(figure.data) == 4
    for trace in figure.data:
        assert np.sum(trace.y) == pytest.approx(1) and np.max(trace.y) == 1
    peaks = [trace.x[int(np.argmax(trace.y))] for trace in figure.data]
    np.testing.assert_allclose(peaks, [41.25, 201.25, 61.25, 151.25], atol=3)


@pytest.mark.parametrize("n", [0, 1])
def test_an_empty_class_or_a_single_sequence_draws(n):
    figure = data_figure(
        {"positives": np.full(n, 0.5)}, {"positives": np.full(n, 60), "negatives": np.zeros(0)}
    )
    assert len(figure.data) == 2 * n


def test_curves_reach_over_the_epochs_to_come_and_name_their_ends():
    figure = score_figure(history(3), epochs=14)
    assert list(figure.data[0].x) == [1, 2, 3] and figure.layout.xaxis.range[1] > 14
    said = " ".join(note.text for note in figure.layout.annotations)
    assert "auROC</b> 0.630" in said and "auPRC</b> 0.500" in said


@pytest.mark.parametrize("draw", [loss_figure, score_figure])
def test_no_epoch_yet_and_a_score_that_is_no_number(draw):
    assert not len(draw(HISTORY.empty(), epochs=5).layout.annotations)
    odd = history(1).assign(valid_auroc=np.nan, valid_auprc=np.nan, valid_loss=np.nan, bce=np.nan)
    assert isinstance(draw(pd.DataFrame(odd), epochs=1).to_dict(), dict)
