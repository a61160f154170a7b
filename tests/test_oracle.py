import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from argminn_core.errors import ConfigError
from argminn_core.oracle import oracle_scores, oracle_sites
from argminn_core.simulate import (
    GRAMMARS,
    Configuration,
    Grammar,
    MotifSource,
    simulate,
    simulate_codes,
)

CEILINGS = {"SPI1": 0.983, "TAL/GATA": 0.957, "E2F6": 0.977, "REST": 0.996}


def area(name, n=1000, seed=0):
    rng = np.random.default_rng(seed)
    codes = [simulate_codes(GRAMMARS[name], n, rng, positives) for positives in (True, False)]
    return roc_auc_score(np.repeat([1, 0], n), oracle_scores(GRAMMARS[name], np.concatenate(codes)))


@pytest.mark.parametrize("name", GRAMMARS)
def test_ceilings_are_those_that_were_stated(name):
    auroc = area(name)
    assert auroc == pytest.approx(CEILINGS[name], abs=0.01) if name in CEILINGS else auroc > 0.95


def test_a_strand_does_not_matter():
    codes = simulate_codes(GRAMMARS["JUND/TEAD"], 30, np.random.default_rng(4))
    turned = 3 - codes[:, ::-1]
    assert np.allclose(
        oracle_scores(GRAMMARS["JUND/TEAD"], codes), oracle_scores(GRAMMARS["JUND/TEAD"], turned)
    )


@pytest.mark.parametrize("gc", [0.5, 0.8])
def test_ratio_is_that_of_the_enumerated_sequences(gc):
    """On 5 bp every way to make a sequence can be listed, letter by letter."""
    pfm = np.array([[0.7, 0.1], [0.1, 0.2], [0.1, 0.3], [0.1, 0.4]])
    source = MotifSource("M", pfm=tuple(map(tuple, pfm)))
    pair = Configuration(1.0, ("M", "M"), ((0, 1),), strands="+-")
    tiny = Grammar("tiny", (source,), (pair,), (Configuration(0.4), Configuration(0.6, ("M",))))
    codes = np.random.default_rng(0).integers(0, 4, size=(20, 5), dtype=np.uint8)
    reverse = pfm[::-1, ::-1]
    likely = np.array([1 - gc, gc, gc, 1 - gc]) / 2
    for row, score in zip(codes, oracle_scores(tiny, codes, gc=gc), strict=True):
        positive = negative = 0.0
        for strand in (row, 3 - row[::-1]):
            by_chance = [likely[strand[i]] * likely[strand[i + 1]] for i in range(4)]
            at = [pfm[strand[i], 0] * pfm[strand[i + 1], 1] / by_chance[i] for i in range(4)]
            back = [reverse[strand[i], 0] * reverse[strand[i + 1], 1] / by_chance[i] for i in range(4)]
            negative += 0.5 * (0.4 + 0.6 * np.mean(at))
            positive += 0.5 * (0.5 * np.mean([at[0] * back[2], at[1] * back[3]]) + 0.5 * at[0] * back[3])
        assert score == pytest.approx(np.log(positive / negative))
    found = oracle_sites(tiny, codes, gc=gc)["M"]
    for row, of in zip(codes, found, strict=True):
        expected = np.zeros((2, 5))
        for turned, strand in enumerate((row, 3 - row[::-1])):
            by_chance = [likely[strand[i]] * likely[strand[i + 1]] for i in range(4)]
            at = [pfm[strand[i], 0] * pfm[strand[i + 1], 1] / by_chance[i] for i in range(4)]
            back = [reverse[strand[i], 0] * reverse[strand[i + 1], 1] / by_chance[i] for i in range(4)]
            for left, right, share in ((0, 2, 0.25), (1, 3, 0.25), (0, 3, 0.5)):
                for sign, place in ((0, left), (1, right)):
                    expected[(sign + turned) % 2, 3 - place if turned else place] += (
                        share * at[left] * back[right]
                    )
        assert of == pytest.approx(2 * expected / expected.sum())


@pytest.mark.parametrize("name", GRAMMARS)
def test_sites_are_as_probable_as_they_are_true(name):
    made = simulate(GRAMMARS[name], 300, seed=3)
    found = oracle_sites(GRAMMARS[name], made.codes)
    row_of = {of: row for row, of in enumerate(made.names)}
    for motif, truth in made.truth.groupby("motif"):
        probable, true = found[motif], np.zeros(found[motif].shape)
        rows = truth["sequence"].map(row_of)
        true[rows, (truth["strand"] == "-").astype(int), truth["start0"]] = 1
        assert probable.sum() == pytest.approx(true.sum(), rel=0.15)
        sure, unsure = probable > 0.9, (probable > 0.2) & (probable < 0.8)
        for chosen in (sure, unsure):
            several = 4 * np.sqrt(0.25 / max(chosen.sum(), 1))
            assert abs(true[chosen].mean() - probable[chosen].mean()) < max(several, 0.05)


def test_backgrounds_without_some_bases_have_no_oracle():
    codes = simulate_codes(GRAMMARS["SPI1"], 2, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="hold every base"):
        oracle_scores(GRAMMARS["SPI1"], codes, gc=1.0)
