"""What training draws: half positive, decided by the generator, and never from what is held out."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy import EASY, SIX, random_codes

from argminn_core import dna
from argminn_core.errors import InputError
from argminn_core.genome import Genome
from argminn_core.regions import read_bed
from argminn_core.sources import ArraySource, GrammarSource, PeakSource, digest
from argminn_core.tables import REGIONS

LENGTH, SHIFT, SIZE = 60, 10, 30_000
REAL = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    """Three chromosomes of random letters: 60 bases are in one place only."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    chroms = {f"chr{i}": dna.decode(rng.integers(0, 4, SIZE)) for i in (1, 2, 3)}
    path.write_text("".join(f">{name}\n{text}\n" for name, text in chroms.items()))
    return Genome(path)


def peaks(*chroms, n=12, first=400, apart=500):
    rows = [
        {"chrom": c, "start0": s - 50, "end0": s + 50, "name": f"{c}_{s}", "summit0": s}
        for c in chroms
        for s in range(first, first + n * apart, apart)
    ]
    return REGIONS.frame(rows)


def peak_source(genome, regions=None, **options):
    options = {"valid": ["chr2"], "test": ["chr3"], "shift": SHIFT, **options}
    regions = peaks("chr1", "chr2", "chr3") if regions is None else regions
    return PeakSource(regions, genome, length=LENGTH, **options)


def easy(**options):
    return GrammarSource(EASY, length=60, held_out=40, **options)


def arrays(n=40):
    y = np.arange(n) % 4 == 0
    return ArraySource(
        random_codes(n, 30), y, np.repeat(["train", "valid", "test"], [n // 2, n // 4, n // 4])
    )


SOURCES = {
    "grammar": lambda genome: easy(),
    "arrays": lambda genome: arrays(),
    "peaks-gc": lambda genome: peak_source(genome),
    "peaks-shuffle": lambda genome: peak_source(genome, negatives="shuffle"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_draws_what_its_generator_says(name, genome):
    one, two = SOURCES[name](genome), SOURCES[name](genome)
    first = one.draw(np.random.default_rng([3, 0]), 30)
    one.draw(np.random.default_rng([3, 1]), 30)  # what was drawn before does not matter
    for again in (one, two):
        for mine, theirs in zip(first, again.draw(np.random.default_rng([3, 0]), 30), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert (one.draw(np.random.default_rng([3, 1]), 30)[0] != first[0]).any()
    for n in (30, 31, 2):
        codes, y = one.draw(np.random.default_rng(n), n)
        assert codes.dtype == np.uint8 and codes.shape[0] == len(y) == n and y.sum() == n // 2
        assert codes.max() <= dna.N_CODE and set(np.unique(y)) == {0, 1}
    assert np.diff(first[1].astype(int)).any()  # shuffled


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_holds_the_same_sets(name, genome):
    one, two = SOURCES[name](genome), SOURCES[name](genome)
    for part in ("valid", "test"):
        (codes, y), (again, labels) = getattr(one, part), getattr(two, part)
        np.testing.assert_array_equal(codes, again)
        np.testing.assert_array_equal(y, labels)
        assert len(codes) == len(y) and 0 < y.sum() < len(y)
    codes, y = one.training()
    np.testing.assert_array_equal(codes, two.training()[0])
    assert len(codes) == len(y) and 0 < y.sum() < len(y)
    assert json.dumps(one.describe()) == json.dumps(two.describe())


def keys(codes):
    """Every sequence by the smaller of its two strands."""
    return {min(row.tobytes(), dna.reverse_complement_codes(row).tobytes()) for row in codes}


@pytest.mark.parametrize("name", SOURCES)
def test_no_source_trains_on_what_it_holds_out(name, genome):
    source = SOURCES[name](genome)
    seen = keys(source.training()[0])
    for seed in range(3):
        seen |= keys(source.draw(np.random.default_rng(seed), 40)[0])
    assert not seen & (keys(source.valid[0]) | keys(source.test[0]))
    assert not keys(source.valid[0]) & keys(source.test[0])


def test_grammar_positives_hold_the_motif_and_negatives_do_not():
    codes, y = easy().draw(np.random.default_rng(0), 50)
    for text, label in zip(dna.decode_all(codes), y, strict=True):
        assert (SIX in text or dna.reverse_complement(SIX) in text) == bool(label)
    valid, other = easy(seed=1).valid[0], easy(seed=2).valid[0]
    assert (valid != other).any() and len(valid) == 40
    assert easy().describe()["grammar"]["name"] == "easy" and easy().describe()["length"] == 60


def test_arrays_keep_their_parts_and_balance_their_classes():
    source = arrays()
    codes, y = source.training()
    assert len(y) == 20 and y.sum() == 5
    np.testing.assert_array_equal(codes[:5], random_codes(40, 30)[:20:4])
    np.testing.assert_array_equal(source.valid[0], random_codes(40, 30)[20:30])
    np.testing.assert_array_equal(source.valid[1], (np.arange(20, 30) % 4 == 0).astype(int))
    drawn, labels = source.draw(np.random.default_rng(0), 200)
    turned = 0
    pools = {1: keys(codes[:5]), 0: keys(codes[5:])}
    forward = {row.tobytes() for row in codes}
    for row, label in zip(drawn, labels, strict=True):
        assert keys(row[None]) <= pools[int(label)]
        turned += row.tobytes() not in forward
    assert 60 < turned < 140  # about half are reverse-complemented
    counts = pd.Series([min(keys(row[None])) for row in drawn[labels == 1]]).value_counts()
    assert len(counts) == 5 and (counts == 20).all()  # every sequence as often as any other


def test_arrays_are_told_apart_by_their_content():
    codes, y, split = random_codes(6, 10), np.array([0, 1] * 3), np.array(["train"] * 4 + ["valid", "test"])
    variants = [
        (codes, y, split),
        (codes + 1, y, split),
        (codes, 1 - y, split),
        (codes, y, np.roll(split, 1)),
    ]
    names = {ArraySource(*variant).describe()["digest"] for variant in variants}
    assert len(names) == 4
    assert digest(codes) == digest(codes.copy(order="F")) and len(digest(codes)) == 16


@pytest.mark.parametrize(("y", "label"), [([1, 1, 1, 0], "negative"), ([0, 0, 0, 1], "positive")])
def test_arrays_need_both_classes(y, label):
    with pytest.raises(InputError, match=f"no {label} sequence to train on"):
        ArraySource(random_codes(4, 10), np.array(y), np.array(["train"] * 3 + ["valid"]))


def find(genome, row):
    """(chromosome, start) of a sequence of the genome, from either strand."""
    known = row < dna.N_CODE
    texts = [dna.decode(r[k]) for r, k in ((row, known), (dna.reverse_complement_codes(row), known[::-1]))]
    for chrom in genome.chroms:
        whole = dna.decode(genome.codes(chrom))
        for text in texts:
            if (at := whole.find(text)) >= 0:
                return chrom, at
    return None


SPLITS = {
    "chromosomes": (dict(valid=["chr2"], test=["chr3"]), lambda chrom, start: chrom == "chr1"),
    "ranges": (
        dict(valid=["chr1:0-15000"], test=["chr3"]),
        lambda chrom, start: chrom == "chr2" or (chrom == "chr1" and start >= 15_000),
    ),
}


@pytest.mark.parametrize("name", SPLITS)
def test_peaks_and_negatives_stay_in_their_part_of_the_genome(name, genome):
    options, in_training = SPLITS[name]
    regions = pd.concat([peaks("chr1", "chr2", "chr3"), peaks("chr1", n=6, first=20_000)], ignore_index=True)
    source = peak_source(genome, regions, **options)
    summits = {c: regions["summit0"][regions["chrom"] == c].to_numpy() for c in genome.chroms}
    offsets = set()
    for seed in range(3):
        codes, y = source.draw(np.random.default_rng(seed), 40)
        for row, label in zip(codes, y, strict=True):
            chrom, start = find(genome, row)
            assert in_training(chrom, start)
            nearest = summits[chrom][np.abs(start + LENGTH // 2 - summits[chrom]).argmin()]
            if label:
                offsets.add(start + LENGTH // 2 - nearest)
            else:  # 1 kb from the peaks' ends, whichever part they are in
                assert abs(start + LENGTH // 2 - nearest) >= 1000
    assert min(offsets) >= -SHIFT and max(offsets) <= SHIFT and len(offsets) > SHIFT
    held = {"valid": [], "test": []}
    for part, places in held.items():
        codes, y = getattr(source, part)
        assert y.sum() * 2 == len(y) == 2 * (source.split == part).sum()
        for row, label in zip(codes, y, strict=True):
            chrom, start = find(genome, row)
            places.append((chrom, start))
            assert not in_training(chrom, start)
            if label:
                assert start + LENGTH // 2 in summits[chrom]  # on the summit, not shifted
    assert {c for c, _ in held["test"]} == {"chr3"} and not set(held["valid"]) & set(held["test"])
    trained = [find(genome, row) for row in source.training()[0]]
    assert all(in_training(*place) for place in trained)


def test_shifts_near_a_chromosomes_end_read_n(genome):
    edge = pd.concat([peaks("chr1", n=2, first=LENGTH // 2), peaks("chr2", "chr3", n=2)], ignore_index=True)
    edge.loc[1, ["start0", "end0", "summit0"]] = [SIZE - LENGTH // 2 - 5, SIZE, SIZE - LENGTH // 2]
    source = peak_source(genome, edge)
    codes, y = source.draw(np.random.default_rng(0), 80)
    unknown = (codes[y == 1] == dna.N_CODE).sum(1)
    assert codes.shape == (80, LENGTH) and 0 < unknown.max() <= SHIFT
    assert {find(genome, row)[0] for row in codes[y == 1]} == {"chr1"}
    assert not (source.training()[0] == dna.N_CODE).any()


def test_without_a_shift_positives_stay_on_their_summits(genome):
    source = peak_source(genome, shift=0)
    codes, y = source.draw(np.random.default_rng(0), 60)
    assert keys(codes[y == 1]) == keys(source.training()[0][source.training()[1] == 1])


def test_a_small_genome_repeats_its_negatives(genome):
    codes, y = peak_source(genome).draw(np.random.default_rng(0), 12_000)
    assert len(y) == 12_000 and y.sum() == 6_000
    assert 1_000 < len(keys(codes[y == 0])) < 6_000


def test_a_genome_without_room_for_negatives_is_an_error(genome):
    crowded = peaks("chr2", n=60)  # every kilobase has a peak
    with pytest.raises(InputError, match="no window of the valid part matches"):
        peak_source(genome, pd.concat([crowded, peaks("chr1", "chr3")], ignore_index=True))


def test_shuffled_negatives_keep_the_dinucleotides(genome):
    source = peak_source(genome, negatives="shuffle")

    def pairs(row):
        return tuple(sorted(np.bincount(row[:-1] * 4 + row[1:], minlength=16)))

    codes, y = source.training()
    assert sorted(map(pairs, codes[y == 0])) == sorted(map(pairs, codes[y == 1]))
    one, two = (source.draw(np.random.default_rng(seed), 20) for seed in (0, 1))
    assert not keys(one[0][one[1] == 0]) & keys(two[0][two[1] == 0])  # fresh in every epoch


def test_peaks_that_cannot_be_used_are_said(genome):
    regions = pd.concat(
        [peaks("chr1", "chr2", "chr3", n=3), peaks("chr9", n=2), peaks("chr1", n=1, first=10)],
        ignore_index=True,
    )
    source = peak_source(genome, regions)
    assert sorted(source.dropped["reason"]) == ["chromosome not in genome"] * 2 + ["off the chromosome end"]
    assert len(source.regions) == len(source.split) == 9
    with pytest.raises(InputError, match=r"no peak can be used.*4 x chromosome not in genome"):
        peak_source(genome, peaks("chrX", n=4))


@pytest.mark.parametrize(
    ("chroms", "part"), [(["chr2", "chr3"], "train"), (["chr1", "chr3"], "valid"), (["chr1", "chr2"], "test")]
)
def test_a_part_without_peaks_is_an_error(genome, chroms, part):
    with pytest.raises(InputError, match=f"no peak lies in the {part} part|not among the chromosomes"):
        peak_source(genome, peaks(*chroms))


def test_descriptions_tell_sources_apart(genome):
    few = peaks("chr1", "chr2", "chr3", n=5)
    variants = [
        {},
        {"shift": 5},
        {"seed": 1},
        {"negatives": "shuffle"},
        {"valid": ["chr3"], "test": ["chr2"]},
    ]
    told = [peak_source(genome, regions, **v).describe() for regions in (None, few) for v in variants]
    assert len({json.dumps(each, sort_keys=True) for each in told}) == len(told)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="real data of ../shared/data is absent")
def test_real_ctcf_peaks_with_chr22_held_out(tmp_path):
    for name in ("chr20", "chr22"):
        (tmp_path / f"{name}.fa.gz").symlink_to(REAL / "hg19" / f"{name}.fa.gz")
    regions, _ = read_bed(REAL / "peaks_hg19" / "HepG2.CTCF.narrowPeak.gz")
    genome = Genome(tmp_path)
    source = PeakSource(regions, genome, length=200, valid=["chr20:0-12000000"], test=["chr22"])
    assert set(source.dropped["reason"]) <= {"chromosome not in genome", "too many N"}
    assert len(source.dropped) + len(source.regions) == len(regions)
    codes, y = source.draw(np.random.default_rng(0), 400)
    assert codes.shape == (400, 200) and y.sum() == 200
    gc = [np.nanmean(dna.gc_content(codes[y == label])) for label in (0, 1)]
    assert abs(gc[0] - gc[1]) < 0.02
    test_codes, test_y = source.test
    on_22 = source.regions["chrom"] == "chr22"
    assert test_y.sum() == on_22.sum() > 100 and len(test_y) == 2 * test_y.sum()
    whole = genome.codes("chr22").tobytes()
    assert all(row.tobytes() in whole for row in test_codes[:: len(test_codes) // 8])
    for row in codes[:8]:
        assert row.tobytes() not in whole and dna.reverse_complement_codes(row).tobytes() not in whole
