import numpy as np
import pytest
import robustness

from argminn_core.checkpoint import load_model
from argminn_core.errors import ConfigError
from argminn_core.predict import predict
from argminn_core.zoo import resolve


@pytest.fixture(scope="module")
def bundle():
    return load_model(resolve("spi1"))


def test_both_ways_of_reading_are_the_model_itself_at_its_own_length(bundle):
    codes, y = robustness.sequences(robustness.grammar_behind(bundle), 6)
    says = predict(bundle.model, codes)
    np.testing.assert_allclose(predict(robustness.at_length(bundle.model, 500), codes), says, rtol=1e-5)
    np.testing.assert_allclose(robustness.in_windows(bundle, codes), says, rtol=1e-4, atol=1e-4)
    assert y.tolist() == [1] * 6 + [0] * 6


@pytest.mark.parametrize("length", [200, 1_000])
def test_other_lengths_are_read_once_a_sequence(bundle, length):
    codes, _ = robustness.sequences(robustness.grammar_behind(bundle), 3, length=length, gc=0.7)
    for scores in (
        predict(robustness.at_length(bundle.model, length), codes),
        robustness.in_windows(bundle, codes),
    ):
        assert scores.shape == (6,) and np.isfinite(scores).all()


def test_a_model_of_real_data_has_no_grammar_to_draw_from():
    with pytest.raises(ConfigError, match="not trained on a grammar"):
        robustness.grammar_behind(load_model(resolve("ctcf-hepg2")))
