import numpy as np
import pytest
from handmade import SITES, planted, toy_bundle
from toy import random_codes, tiny_bundle

from argminn_core.dna import encode
from argminn_core.flow import flow
from argminn_core.predict import predict, trace


def codes(*placed):
    return encode(planted(*placed))


@pytest.mark.parametrize("placed", [(), (("CTCF", 60), ("SPI1", 100))])
def test_the_last_logit_is_the_models(placed):
    bundle, sequence = toy_bundle(), codes(*placed)
    assert flow(bundle, sequence).logit == pytest.approx(
        float(predict(bundle.model, sequence[None])[0]), abs=1e-4
    )


def test_heads_look_where_the_forward_pass_says():
    bundle, sequence = toy_bundle(), codes(("CTCF", 60), ("GATA1", 140))
    said, out = flow(bundle, sequence), trace(bundle.model, sequence[None])
    np.testing.assert_array_equal(said.position, out.att[0].argmax(-1))
    np.testing.assert_allclose(said.look, out.att[0].max(-1), rtol=1e-5)


def test_every_head_reads_the_motif_that_it_was_built_for():
    said = flow(toy_bundle(), codes(("CTCF", 60), ("SPI1", 100), ("GATA1", 140)))
    # Filter f is read by head f % 2 of layer f // 2; the last head was given nothing to look for.
    assert said.motif.ravel()[:3].tolist() == [0, 1, 2]
    assert said.position.ravel()[:3].tolist() == [60, 100, 140]
    assert len(said.logits) == len(said.look) + 1 and len(said.evidence) == len(SITES)


def test_a_head_that_looks_at_nothing_reads_no_motif():
    bundle = toy_bundle()
    said = flow(bundle, np.full(200, 0, dtype=np.uint8))  # A and nothing else: no filter is active
    assert (said.motif == -1).all()


def test_a_model_that_knows_distances_goes_the_same_way():
    bundle, sequence = (
        tiny_bundle(4, spacing=7, null_token=True, evidence=True),
        random_codes(1, 30, seed=2)[0],
    )
    said, out = flow(bundle, sequence), trace(bundle.model, sequence[None])
    assert said.logit == pytest.approx(float(predict(bundle.model, sequence[None])[0]), abs=1e-4)
    np.testing.assert_allclose(said.look, out.att[0].max(-1), rtol=1e-5)
