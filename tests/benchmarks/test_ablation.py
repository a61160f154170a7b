"""A change must change what is trained, and be compared with the whole recipe seed by seed."""

from pathlib import Path

import ablation
import paper_table
import pytest
import trainings
from ablation import CHANGES, Ablated
from trainings import Scale, Task


@pytest.mark.parametrize(("name", "whole"), [("REST", "ours"), ("REST_HepG2/neg_gc", "unpruned")])
def test_each_change_is_another_training(name, whole):
    data = Ablated(name, 500)
    methods = [method for method in CHANGES if data.has(method)]
    made = {trainings.settings_of(data, method, Scale()) for method in methods}
    full = trainings.settings_of(paper_table.Dataset(name, 500), whole, Scale())
    assert len(made) == len(methods) > 5
    assert full not in made
    assert full == trainings.settings_of(data, "ours", Scale())  # but for the change all is the same


def test_a_change_is_for_data_that_its_recipe_has_it_for():
    assert not Ablated("REST", 500).has("ours-no-evidence")
    assert not Ablated("REST_HepG2/neg_gc", 500).has("ours-no-distances")
    assert not Ablated("REST", 500).has("ours")  # its runs are those of paper_table


def test_the_table_pairs_seeds():
    whole, changed = paper_table.Dataset("REST", 500), Ablated("REST", 500)
    tasks = [
        Task(changed, "ours-random", seed, Scale(), None, 1, float("inf"), Path("none")) for seed in (0, 1, 2)
    ]

    def record(method: str, seed: int, settings: str, auroc: float, valid: float) -> dict:
        scores = {"auroc": auroc, "valid_auroc": valid}
        return {"dataset": "REST", "method": method, "seed": seed, "settings": settings} | scores

    settings = trainings.settings_of(whole, "ours", Scale())
    beside = [record("ours", 0, settings, 0.9, 0.91), record("ours", 1, settings, 0.8, 0.81)]
    scores = ((0.85, 0.92), (0.7, 0.82), (0.1, 0.1))
    records = [
        record("ours-random", seed, task.key[-1], *both)
        for seed, task, both in zip((0, 1, 2), tasks, scores, strict=True)
    ]
    lines = ablation.table(records, beside, tasks).splitlines()
    assert lines[0] == "| change | REST | change, test | change, valid |"
    assert lines[2] == "| none | .850 (.800–.900) |  |  |"
    assert lines[3] == "| filters start at random | .550 (.100–.850) | -0.0750 | +0.0100 |"
    assert len(lines) == 4
