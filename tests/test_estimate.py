"""How long a training will take: more of anything takes longer, and what is estimated is what would run."""

import pytest
import training

from argminn_core import estimate, recipe


def plan(epochs=4, start="random", **model):
    return recipe.recipe(
        "grammar",
        model=training.SMALL | {"length": 60} | model,
        train=dict(epochs=epochs, batch_size=16),
        start=start,
    )


def test_time_is_epochs_times_steps_and_what_comes_around_them(monkeypatch):
    monkeypatch.setattr(estimate, "_step", lambda _: 0.01)
    one, two = (estimate.seconds(plan(epochs), sequences=500) for epochs in (10, 20))
    assert two - one == pytest.approx(10 * 100 * 0.01)
    known, words = (estimate.seconds(plan(start=start), sequences=500) for start in ("jaspar", "words"))
    assert known > words > estimate.seconds(plan(), sequences=500)


def test_a_step_is_timed_and_leaves_no_trace():
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    assert 0 < estimate._step(plan()) < 60
    assert torch.get_num_threads() == threads and torch.equal(torch.get_rng_state(), state)
