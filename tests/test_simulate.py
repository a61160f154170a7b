import json
from itertools import groupby, pairwise

import numpy as np
import pytest

from argminn_core.backgrounds import Avoider, random_codes, uniform_codes
from argminn_core.dna import decode, reverse_complement
from argminn_core.errors import ConfigError
from argminn_core.simulate import (
    CENTRE_RANGE,
    GRAMMARS,
    Configuration,
    Grammar,
    MotifSource,
    grammar,
    motifs_of,
    simulate,
    simulate_codes,
)

# A motif that chance makes often: six sure columns, about one match in four sequences.
SURE = tuple(tuple(float(base == letter) for letter in "GATACC") for base in "ACGT")
STRICT = Grammar(
    "strict", (MotifSource("M", pfm=SURE),), (Configuration(1.0, ("M",)),), (Configuration(1.0),)
)


def naive_best(pfms, codes):
    """Best mean probability over windows, motifs and strands, one sequence at a time."""
    best = 0.0
    for pfm in pfms:
        for matrix in (pfm, pfm[::-1, ::-1]):
            width = matrix.shape[1]
            for start in range(len(codes) - width + 1):
                best = max(best, matrix[codes[start : start + width], np.arange(width)].mean())
    return best


@pytest.mark.parametrize("name", GRAMMARS)
@pytest.mark.parametrize("positives", [True, False])
def test_truth_is_what_the_sequences_hold(name, positives):
    made = simulate(GRAMMARS[name], 200, seed=3, positives=positives)
    assert made.codes.shape == (200, 500) and made.codes.dtype == np.uint8 and made.codes.max() == 3
    prefix = "pos_" if positives else "neg_"
    for site in made.truth.itertuples():
        assert site.sequence.startswith(prefix)
        letters = decode(made.codes[int(site.sequence[4:]) - 1, site.start0 : site.end0])
        assert site.site == (letters if site.strand == "+" else reverse_complement(letters))
        assert site.end0 - site.start0 == motifs_of(GRAMMARS[name])[site.motif].width


@pytest.mark.parametrize("name", GRAMMARS)
@pytest.mark.parametrize("positives", [True, False])
def test_configurations_have_their_shares_gaps_and_centres(name, positives):
    n = 3000
    truth = simulate(GRAMMARS[name], n, seed=5, positives=positives).truth
    seen: dict[tuple, set] = {}
    counts: dict[tuple, int] = {}
    for _, group in groupby(truth.itertuples(), key=lambda site: site.sequence):
        sites = list(group)
        assert abs((sites[0].start0 + sites[-1].end0) / 2 - 250) <= CENTRE_RANGE
        (strand,) = {site.strand for site in sites}
        key = tuple(site.motif for site in (sites if strand == "+" else sites[::-1]))
        counts[key] = counts.get(key, 0) + 1
        seen.setdefault(key, set()).update(right.start0 - left.end0 for left, right in pairwise(sites))
    expected: dict[tuple, float] = {}
    gaps: dict[tuple, set] = {}
    for c in GRAMMARS[name].positives if positives else GRAMMARS[name].negatives:
        if c.motifs:
            expected[c.motifs] = expected.get(c.motifs, 0) + c.probability
            gaps.setdefault(c.motifs, set()).update(*(range(low, high + 1) for low, high in c.gaps))
    assert counts.keys() == expected.keys() and seen == gaps
    for key, share in expected.items():
        assert counts[key] / n == pytest.approx(share, abs=0.04)
    if len(truth):
        assert (truth.strand == "+").mean() == pytest.approx(0.5, abs=0.05)


def test_sites_follow_the_matrix():
    sites = simulate(GRAMMARS["SPI1"], 4000, seed=0).truth.site
    letters = np.array([list(site) for site in sites])
    found = np.stack([(letters == base).mean(axis=0) for base in "ACGT"])
    assert np.abs(found - motifs_of(GRAMMARS["SPI1"])["SPI1"].pfm).max() < 0.03


@pytest.mark.parametrize("name", GRAMMARS)
def test_nothing_planted_nothing_matches(name):
    pfms = [motif.pfm for motif in motifs_of(GRAMMARS[name]).values()]
    codes = simulate_codes(
        Grammar("none", GRAMMARS[name].motifs, (Configuration(1.0),), (Configuration(1.0),)),
        4, np.random.default_rng(0), length=200,
    )  # fmt: skip
    assert all(naive_best(pfms, row) < 0.9 for row in codes)


def test_backgrounds_are_cleared_of_a_frequent_motif():
    pfm = np.array(SURE)
    raw = uniform_codes(np.random.default_rng(1), 40, 500)
    assert any(naive_best([pfm], row) >= 0.9 for row in raw)
    codes = simulate_codes(STRICT, 40, np.random.default_rng(1), positives=False)
    assert all(naive_best([pfm], row) < 0.9 for row in codes)
    assert np.bincount(codes.ravel(), minlength=4).min() > 0.24 * codes.size


@pytest.mark.parametrize("width", [1, 5, 9, 10, 15, 23])
def test_matches_are_those_of_the_definition(width):
    rng = np.random.default_rng(width)
    pfm = rng.dirichlet([0.3] * 4, size=width).T
    codes = uniform_codes(rng, 6, 60)
    limit = 0.55
    found = np.zeros((6, 60 - width + 1), dtype=bool)
    for _, rows, start0 in Avoider([pfm], limit).matches(codes):
        found[rows, start0] = True
    for row in range(6):
        for start in range(60 - width + 1):
            window = codes[row, start : start + width]
            assert found[row, start] == (naive_best([pfm], window) >= limit)


def test_motif_that_cannot_be_avoided_is_an_error():
    everywhere = MotifSource("A", pfm=((0.25,), (0.25,), (0.25,), (0.25,)))
    with pytest.raises(ConfigError, match="no background avoids"):
        simulate(Grammar("x", (everywhere,), (Configuration(1.0),), (Configuration(1.0),), 0.2), 2, seed=0)


def test_seed_decides_everything():
    for name in ("REST", "SPI1/CTCF"):
        one, two = (simulate(GRAMMARS[name], 50, seed=9) for _ in range(2))
        assert (one.codes == two.codes).all() and one.truth.equals(two.truth)
        fast = simulate_codes(GRAMMARS[name], 50, np.random.default_rng(9))
        assert (fast == one.codes).all()
        assert (simulate(GRAMMARS[name], 50, seed=10).codes != one.codes).any()
    assert (simulate_codes(STRICT, 50, np.random.default_rng(2)) == simulate(STRICT, 50, seed=2).codes).all()


def test_bases_are_uniform_and_odd_sizes_work():
    codes = uniform_codes(np.random.default_rng(0), 101, 333)
    assert codes.shape == (101, 333)
    assert np.bincount(codes.ravel()) / codes.size == pytest.approx([0.25] * 4, abs=0.01)


def test_background_alone_has_an_empty_truth_with_its_columns():
    truth = simulate(GRAMMARS["SPI1"], 3, seed=0, positives=False).truth
    assert len(truth) == 0 and "site" in truth
    assert len(simulate(GRAMMARS["REST"], 0, seed=0).codes) == 0


@pytest.mark.parametrize("name", ["TAL/GATA", "tal-gata", "tal_gata", "TALGATA", "Tal Gata"])
def test_names_are_lenient(name):
    assert grammar(name) is GRAMMARS["TAL/GATA"]


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match="SPI1/CTCF"):
        grammar("FOXA1")


@pytest.mark.parametrize("name", GRAMMARS)
def test_grammars_travel_as_json(name):
    assert Grammar.from_dict(json.loads(json.dumps(GRAMMARS[name].to_dict()))) == GRAMMARS[name]


def test_minus_strand_of_a_users_grammar():
    data = {
        "name": "mine",
        "motifs": [{"name": "M", "pfm": [list(row) for row in SURE]}, {"name": "T", "matrix": "MA0809.2"}],
        "positives": [{"probability": 1, "motifs": ["M", "T"], "gaps": [[3, 3]], "strands": "+-"}],
        "negatives": [{"probability": 1}],
    }
    truth = simulate(Grammar.from_dict(data), 40, length=60, seed=1).truth
    assert set(truth.site[truth.motif == "M"]) == {"GATACC"}
    for _, sites in truth.groupby("sequence"):
        assert list(zip(sites.motif, sites.strand, strict=True)) in (
            [("M", "+"), ("T", "-")], [("T", "+"), ("M", "-")],
        )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positives": [{"probability": 1, "motifs": ["X"]}]}, "no motif is called X"),
        ({"positives": [{"probability": 0.5}]}, "do not sum to 1"),
        ({"positives": [{"probability": 1, "motifs": ["M", "M"]}]}, "gaps do not fit"),
        ({"positives": [{"probability": 1, "motifs": ["M"], "strands": "*"}]}, "strands do not fit"),
        ({"positives": [{"probability": 1, "motif": ["M"]}]}, "unknown key"),
        ({"positives": [{"probability": "one"}]}, "cannot be read"),
        ({"motifs": [{"name": "M"}, {"name": "M"}]}, "same name"),
        ({"colour": "red"}, "unknown key"),
    ],
)
def test_broken_grammars_say_what_is_wrong(change, message):
    data = {
        "name": "g",
        "motifs": [{"name": "M"}],
        "positives": [{"probability": 1}],
        "negatives": [{"probability": 1}],
    }
    with pytest.raises(ConfigError, match=message):
        Grammar.from_dict(data | change)
    with pytest.raises(ConfigError, match="lacks the key"):
        Grammar.from_dict({"name": "g"})


def test_a_configuration_must_fit():
    with pytest.raises(ConfigError, match="does not fit"):
        simulate(GRAMMARS["REST"], 5, length=19, seed=0)
    with pytest.raises(ConfigError, match="columns"):
        MotifSource("M", "MA0138.3", (10, 21)).motif()
    assert simulate(GRAMMARS["REST"], 50, length=29, seed=0).truth.start0.min() >= 0


@pytest.mark.parametrize("gc", [0.0, 0.05, 0.3, 0.95, 1.0])
def test_backgrounds_have_the_gc_that_was_asked_for(gc):
    counts = np.bincount(random_codes(np.random.default_rng(3), 200, 500, gc=gc).ravel(), minlength=4)
    assert np.allclose(counts / counts.sum(), np.array([1 - gc, gc, gc, 1 - gc]) / 2, atol=0.006)


def test_sites_are_the_same_whatever_the_gc_of_the_background():
    grammar, n = GRAMMARS["REST"], 400
    made = {gc: simulate(grammar, n, seed=5, gc=gc) for gc in (0.1, 0.9)}
    share = {gc: np.isin(of.codes, (1, 2)).mean() for gc, of in made.items()}
    assert share[0.1] < 0.2 and share[0.9] > 0.8
    planted = {gc: "".join(of.truth["site"]) for gc, of in made.items()}
    content = {gc: (text.count("G") + text.count("C")) / len(text) for gc, text in planted.items()}
    assert content[0.1] == pytest.approx(content[0.9], abs=0.02)


def test_avoided_windows_are_drawn_again_with_the_same_gc():
    codes = simulate(STRICT, 60, seed=4, positives=False, gc=0.9).codes
    pfms = [motif.pfm for motif in motifs_of(STRICT).values()]
    assert not any(len(rows) for _, rows, _ in Avoider(pfms, STRICT.avoid).matches(codes))
    assert np.isin(codes, (1, 2)).mean() == pytest.approx(0.9, abs=0.03)


def test_a_gc_that_is_no_share_is_an_error():
    with pytest.raises(ConfigError, match="no share"):
        simulate(GRAMMARS["REST"], 3, seed=0, gc=50)
