import time

import numpy as np
import pandas as pd
import pytest

from argminn_core.annotate import annotate, q_values
from argminn_core.pfm import Motif, information, jaspar, jaspar_collection

pytestmark = pytest.mark.slow  # Tomtom is compiled where no earlier run has left it in numba's cache


def noisy(motif, rng, weight=0.1):
    pfm = (1 - weight) * motif.pfm + weight * rng.dirichlet([1] * 4, motif.width).T
    return Motif("learned", pfm)


def padded(pfm, left, right, rng):
    return np.concatenate([rng.dirichlet([200] * 4, left).T, pfm, rng.dirichlet([200] * 4, right).T], axis=1)


def test_a_noisy_ctcf_is_ctcf_and_noise_is_nothing():
    rng = np.random.default_rng(0)
    ctcf = noisy(jaspar("MA0139.2"), rng)
    found = annotate([
        ctcf,
        Motif("turned", padded(ctcf.reverse_complement().pfm, 3, 2, rng)),
        ("part", np.array(ctcf.pfm[:, 3:])),
        ("uniform", np.full((4, 10), 0.25)),
        *(("flat", rng.dirichlet([2] * 4, 12).T) for _ in range(5)),
    ])  # fmt: skip
    assert list(found.columns) == [
        "motif",
        "match",
        "match_name",
        "q_value",
        "p_value",
        "offset",
        "strand",
        "width",
    ]
    assert found.match_name.tolist()[:3] == ["CTCF"] * 3 and (found.q_value[:3] < 1e-6).all()
    assert found.match[0] == "MA0139.2"
    assert (found.match[3:] == "").all() and found.q_value[3:].isna().all()


def test_offset_and_strand_say_how_to_lay_one_over_the_other():
    rest = jaspar("MA0138.3")
    found = annotate([("part", rest.pfm[:, 4:]), ("turned", rest.pfm[::-1, ::-1][:, 2:])])
    assert found.match.tolist() == ["MA0138.3"] * 2
    assert found.offset.tolist() == [4, 2] and found.strand.tolist() == ["+", "-"]


def test_random_peaked_matrices_are_named_as_rarely_as_q_says():
    rng = np.random.default_rng(1)
    noise = [(str(i), rng.dirichlet([0.25] * 4, 10).T) for i in range(60)]
    assert np.mean([information(pfm).mean() for _, pfm in noise]) > 0.9
    assert (annotate(noise).match != "").mean() < 0.25


def test_twenty_motifs_take_seconds():
    motifs = jaspar_collection()[::50][:20]
    annotate(motifs[:1])
    start = time.perf_counter()
    found = annotate(motifs)
    assert time.perf_counter() - start < 20  # one second on an idle pair of cores
    sharp = [motif.name for motif in motifs if information(motif.pfm[:, slice(*motif.core())]).mean() >= 0.8]
    assert len(sharp) >= 15 and (found.q_value[found.motif.isin(sharp)] < 1e-3).all()


def test_what_was_matched_before_is_remembered(monkeypatch):
    rng = np.random.default_rng(2)
    motifs = [noisy(motif, rng) for motif in jaspar_collection()[3:200:40]]
    first = annotate(motifs)
    monkeypatch.setattr("memelite.tomtom", lambda *_: pytest.fail("matched again"))
    pd.testing.assert_frame_equal(annotate(motifs[::-1])[::-1].reset_index(drop=True), first)
    pd.testing.assert_frame_equal(annotate(motifs, max_q=0)[["motif"]], first[["motif"]])
    with pytest.raises(pytest.fail.Exception):
        annotate(motifs, database=jaspar_collection()[:900])


def test_a_file_may_give_no_other_names(caplog):
    known = [Motif(f"X{i}", motif.pfm) for i, motif in enumerate(jaspar_collection()[:40])]
    found = annotate([known[7]], database=known)
    assert found[["match", "match_name", "offset", "strand", "width"]].to_numpy().tolist() == [
        ["X7", "X7", found["offset"][0], "+", known[7].width]
    ]
    assert "40 known motifs are few" in caplog.text


def test_nothing_to_do():
    assert len(annotate([])) == 0
    assert annotate([("a", jaspar("MA0139.2").pfm)], database=[]).match.tolist() == [""]


def test_q_values_are_benjamini_hochberg():
    assert q_values(np.array([0.04, 0.01, 0.5, 0.03])) == pytest.approx([0.16 / 3, 0.04, 0.5, 0.16 / 3])
    assert q_values(np.array([1.0, 1.0])).max() == 1
