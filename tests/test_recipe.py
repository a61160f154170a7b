"""Where a training starts: from words of the data, with as many filters as there are motifs, and resumed as it was."""

import json

import numpy as np
import pytest
import torch
from toy import EASY, SIX, random_codes

from argminn_core import dna, recipe
from argminn_core.errors import ConfigError, InputError
from argminn_core.fasta import Sequences
from argminn_core.sources import GrammarSource
from argminn_core.tables import DROPPED

SMALL = dict(length=60, filters=4, positional=4, hidden=8, stream=16, layers=2, heads=2)


def small(start="words", epochs=2):
    return recipe.recipe(
        "grammar",
        model=SMALL,
        train=dict(epochs=epochs, batches=2, batch_size=16, entropy=(1e-2, 1e-2)),
        start=start,
    )


def source():
    return GrammarSource(EASY, length=60, held_out=40, reference=1_000)


def run(out, chosen):
    return recipe.Run(
        "easy",
        source(),
        chosen,
        out,
        {"description": "", "data": "", "split": "", "digests": {}},
        DROPPED.empty(),
    )


def test_words_decide_how_many_filters_there_are_and_how_wide():
    model = recipe.started(small(), *source().training())
    assert model.config.filters == 1 and model.config.width == len(SIX) + recipe._ROOM
    weight = model.scanner.weight.detach()[0].numpy()
    read = dna.decode(weight[:, 2:8].argmax(0).astype(np.uint8))
    assert SIX in (read, dna.reverse_complement(read))


def test_every_head_of_the_first_layer_starts_at_a_channel_of_its_own():
    torch.manual_seed(0)
    codes, y = source().training()
    model = recipe.started(small(), codes, y).eval()
    with torch.inference_mode():
        out = model(dna.one_hot(codes[y == 1][:200]))
    for head in range(2):
        peak = out.att[:, 0, head].argmax(1)
        active = out.act[:, head].amax(1) > 0.5
        assert active.float().mean() > 0.3
        assert (peak == out.act[:, head].argmax(1))[active].float().mean() > 0.9


def test_without_any_word_filters_start_at_random_and_as_many_as_were_asked_for():
    y = np.repeat([1, 0], 100)
    model = recipe.started(small(), random_codes(200, 60), y)
    assert model.config.filters == SMALL["filters"]


def test_a_resumed_training_has_the_size_that_the_words_gave_it(tmp_path):
    whole = run(tmp_path / "whole", small())
    for _ in whole.epochs():
        pass
    first = run(tmp_path / "parts", small())
    for _ in first.epochs():
        break
    again = run(tmp_path / "parts", small())
    assert [record.epoch for record in again.epochs(resume=True)] == [2]
    assert json.loads((tmp_path / "parts" / "params.json").read_text())["model"]["filters"] == 1
    for name, value in whole.model.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], value, rtol=0, atol=0)


def test_an_unknown_recipe_is_refused():
    with pytest.raises(ConfigError, match="no such recipe"):
        recipe.recipe("nothing")


def test_no_positives_are_too_few():
    nothing = Sequences([], np.zeros(0, dtype=np.uint8), np.zeros(1, dtype=np.int64))
    with pytest.raises(InputError, match="too few sequences"):
        recipe.two_class_source(nothing, None)
