import numpy as np
import pytest
import robustness

from argminn_core.checkpoint import load_model
from argminn_core.errors import ConfigError
from argminn_core.predict import predict
from argminn_core.simulate import both_classes
from argminn_core.zoo import resolve


@pytest.fixture(scope="module")
def bundle():
    return load_model(resolve("spi1"))


def test_both_ways_of_reading_are_the_model_itself_at_its_own_length(bundle):
    sequences, _ = both_classes(robustness.grammar_behind(bundle), 6, seed=1)
    codes = sequences.stack()
    says = predict(bundle.model, codes)
    np.testing.assert_allclose(predict(robustness.at_length(bundle.model, 500), codes), says, rtol=1e-5)
    np.testing.assert_allclose(robustness.in_windows(bundle, sequences), says, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("length", [200, 1_000])
def test_other_lengths_are_read_once_a_sequence(bundle, length):
    rules = robustness.grammar_behind(bundle)
    sequences, _ = both_classes(rules, 3, length=length, gc=0.7, seed=1)
    other = robustness.at_length(bundle.model, length)
    for scores in (predict(other, sequences.stack()), robustness.in_windows(bundle, sequences)):
        assert scores.shape == (3,) and np.isfinite(scores).all()


def test_the_first_class_is_the_positive_one(bundle):
    classes = both_classes(robustness.grammar_behind(bundle), 20, seed=1)
    assert float(robustness.auroc(classes, lambda part: predict(bundle.model, part.stack()))) > 0.9
    assert robustness.auroc(classes, lambda part: np.zeros(len(part))) == ".500"


def test_a_model_of_real_data_has_no_grammar_to_draw_from():
    with pytest.raises(ConfigError, match="not trained on a grammar"):
        robustness.grammar_behind(load_model(resolve("ctcf-hepg2")))
