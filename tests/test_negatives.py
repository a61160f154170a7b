import logging
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from argminn_core import dna
from argminn_core.errors import InputError
from argminn_core.genome import Genome
from argminn_core.negatives import GcMatcher, dinucleotide_shuffle, gc_matched
from argminn_core.regions import read_bed, split_by_chrom, split_ranges, windows
from argminn_core.tables import REGIONS

DATA = Path(__file__).parents[1].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not (DATA / "hg19").is_dir(), reason="../shared/data is not there")


def dinucleotides(codes: np.ndarray) -> np.ndarray:
    """Counts (N, 25) of the pairs of neighbours in codes (N, L)."""
    pairs = codes[:, :-1].astype(int) * 5 + codes[:, 1:]
    return np.stack([np.bincount(row, minlength=25) for row in pairs])


# ---------------------------------------------------------------- shuffles


@settings(deadline=None, max_examples=40)
@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(2, 40)), elements=st.integers(0, 4)),
    st.integers(0, 2**32),
)
def test_shuffles_keep_every_dinucleotide_and_both_ends(codes, seed):
    shuffled = dinucleotide_shuffle(codes, seed=seed)
    assert shuffled.shape == codes.shape and shuffled.dtype == np.uint8
    np.testing.assert_array_equal(dinucleotides(shuffled), dinucleotides(codes))
    np.testing.assert_array_equal(shuffled[:, [0, -1]], codes[:, [0, -1]])


def test_shuffles_differ_between_sequences_and_seeds_and_repeat():
    codes = np.tile(np.random.default_rng(0).integers(0, 4, 200).astype(np.uint8), (3, 1))
    first = dinucleotide_shuffle(codes, seed=1)
    np.testing.assert_array_equal(first, dinucleotide_shuffle(codes, seed=1))
    # Not seed + i either: a sequence's shuffle is none of its neighbour's in the next epoch.
    rows = np.concatenate([codes[:1], first, dinucleotide_shuffle(codes, seed=2)])
    assert len(np.unique(rows, axis=0)) == 7
    assert (first[0] == codes[0]).mean() < 0.5


def test_what_cannot_be_shuffled_comes_back():
    for shape in [(0, 10), (2, 0), (2, 1), (2, 3)]:
        codes = np.ones(shape, dtype=np.uint8)
        got = dinucleotide_shuffle(codes, seed=0)
        np.testing.assert_array_equal(got, codes)
        assert got is not codes


# ---------------------------------------------------------------- matched windows

LENGTH = 100


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    """Two chromosomes whose GC rises and falls along them; the first has a gap of N."""
    rng = np.random.default_rng(3)
    folder = tmp_path_factory.mktemp("genome")
    for name, size in {"chr1": 400_000, "chr2": 200_000}.items():
        gc = 0.5 + 0.3 * np.sin(np.arange(size) / 5000)
        codes = np.where(rng.random(size) < gc, rng.integers(1, 3, size), rng.choice([0, 3], size))
        if name == "chr1":
            codes[100_000:110_000] = dna.N_CODE
        (folder / f"{name}.fa").write_text(f">{name}\n{dna.decode(codes)}\n")
    return Genome(folder)


def at(chrom: str, summits) -> pd.DataFrame:
    """Regions of 40 bp around summits."""
    rows = [(chrom, summit - 20, summit + 20, f"p{summit}", summit) for summit in summits]
    return REGIONS.check(pd.DataFrame(rows, columns=list(REGIONS.columns)))


@pytest.fixture(scope="module")
def positives(genome):
    """300 regions on chr1, far from the gap."""
    rng = np.random.default_rng(5)
    summits = 200_000 + np.sort(rng.choice(1900, 300, replace=False)) * 100 + 50
    return at("chr1", summits)


def bins(codes: np.ndarray) -> np.ndarray:
    return np.bincount((dna.gc_content(codes) * 50 + 1e-9).astype(int), minlength=51)


def gaps(a: np.ndarray, b: np.ndarray, length: int) -> np.ndarray:
    """Bases between windows at `a` (N,) and regions (M, 2): (N, M), negative where they overlap."""
    return np.maximum(b[None, :, 0] - (a[:, None] + length), a[:, None] - b[None, :, 1])


def test_gc_distance_and_overlap(genome, positives):
    target, *_ = windows(positives, genome, length=LENGTH)
    matcher = GcMatcher(genome, positives, length=LENGTH, ranges=["chr1", "chr2"], min_distance=500)
    codes, chrom, start0 = matcher.sample(300, np.random.default_rng(0))
    assert codes.shape == (300, LENGTH) and set(chrom) == {"chr1", "chr2"}
    np.testing.assert_array_equal(bins(codes), bins(target))
    np.testing.assert_array_equal(codes[5], genome.codes(chrom[5])[start0[5] : start0[5] + LENGTH])
    ours = start0[chrom == "chr1"]
    assert gaps(ours, positives[["start0", "end0"]].to_numpy(), LENGTH).min() >= 500
    for name in ("chr1", "chr2"):
        assert np.diff(np.sort(start0[chrom == name])).min() >= LENGTH
    assert ((codes == dna.N_CODE).mean(axis=1) <= 0.05).all()


@pytest.mark.parametrize("length", [30, 100, 999])
def test_candidates_are_all_and_only_the_allowed_ones(genome, length):
    """Against a loop over every start: the vectorised search misses none and lets none through."""
    peaks = at("chr1", [99_000, 120_000, 120_030, 150_000])
    matcher = GcMatcher(
        genome,
        peaks,
        length=length,
        ranges=["chr1:90000-121000", "1:149000-153000"],
        min_distance=700,
        step=7,
    )
    unknown = genome.codes("chr1") == dna.N_CODE
    intervals = peaks[["start0", "end0"]].to_numpy().tolist()
    expected = []
    for start in range(0, len(unknown), 7):
        end = start + length
        inside = (start >= 90_000 and end <= 121_000) or (start >= 149_000 and end <= 153_000)
        far = all(left - end >= 700 or start - right >= 700 for left, right in intervals)
        if inside and far and unknown[start:end].mean() <= 0.05:
            expected.append(start)
    assert sorted(matcher._start0.tolist()) == expected


def test_same_seed_same_windows_other_epoch_other_windows(genome, positives):
    matcher = GcMatcher(genome, positives, length=LENGTH, ranges=["chr2"])
    first, again, other = (matcher.sample(50, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.codes, again.codes)
    assert len(np.intersect1d(first.start0, other.start0)) < 10


def test_any_number_can_be_drawn(genome, positives):
    matcher = GcMatcher(genome, positives, length=LENGTH, ranges=["chr2"])
    for n in (0, 1, 7, 1234):
        assert len(matcher.sample(n, np.random.default_rng(0)).codes) == n


def test_overlaps_only_when_nothing_else_is_left(genome, positives):
    """2 kb hold 20 windows; 40 can be had only by overlaps, and none comes twice."""
    matcher = GcMatcher(genome, positives, length=LENGTH, ranges=["chr2:0-2000"], tolerance=1)
    start0 = np.sort(matcher.sample(40, np.random.default_rng(0)).start0)
    assert len(np.unique(start0)) == 40
    few = np.sort(matcher.sample(5, np.random.default_rng(0)).start0)
    assert np.diff(few).min() >= LENGTH


def test_too_few_matches_are_said(genome, positives, caplog):
    matcher = GcMatcher(genome, positives, length=LENGTH, ranges=["chr2:0-300"], tolerance=0)
    with caplog.at_level(logging.WARNING):
        drawn = matcher.sample(1000, np.random.default_rng(0))
    assert len(drawn.codes) < 1000
    assert f"only {len(drawn.codes)} of 1000 GC-matched windows could be drawn" in caplog.text


def test_the_excluded_may_be_others_and_named_otherwise(genome, positives):
    others = at("2", np.arange(1000, 190_000, 3000))
    matcher = GcMatcher(genome, positives, length=LENGTH, ranges=["2"], exclude=others, min_distance=1000)
    drawn = matcher.sample(60, np.random.default_rng(0))
    assert set(drawn.chrom) == {"chr2"}
    assert gaps(drawn.start0, others[["start0", "end0"]].to_numpy(), LENGTH).min() >= 1000


def test_gc_matched_is_one_draw_as_a_table(genome, positives):
    lost = at("chr9", [500])
    given_regions = REGIONS.check(pd.concat([positives, lost]))
    codes, drawn, dropped = gc_matched(given_regions, genome, length=LENGTH, seed=4)
    assert len(codes) == len(drawn) == 300
    assert dropped.to_numpy().tolist() == [["p500", "chromosome not in genome", "chr9:450-550"]]
    again, kept, _ = windows(drawn, genome, length=LENGTH)
    np.testing.assert_array_equal(again, codes)
    assert kept["name"].tolist() == drawn["name"].tolist()
    assert set(drawn["chrom"]) == {"chr1"}
    fewer, table, _ = gc_matched(positives, genome, length=LENGTH, n=10, seed=4)
    assert len(fewer) == len(table) == 10


def test_bad_input(genome, positives):
    with pytest.raises(
        InputError, match=r"no positive region has a window.*1 x chromosome not in genome.*one assembly"
    ):
        GcMatcher(genome, at("chr9", [500]), length=LENGTH)
    with pytest.raises(InputError, match=r"'chr7', which is not among the chromosomes. Found: chr1, chr2"):
        GcMatcher(genome, positives, length=LENGTH, ranges=["chr7"])


@needs_data
def test_fresh_negatives_of_real_peaks_are_matched_and_fast():
    peaks, _ = read_bed(DATA / "peaks_hg19" / "HepG2.CTCF.narrowPeak.gz")
    genome = Genome(DATA / "hg19" / "chr22.fa.gz")
    positives, kept, _ = windows(peaks, genome, length=500)
    matcher = GcMatcher(genome, kept, length=500, exclude=peaks, ranges=["chr22"])
    started = time.process_time()
    codes, _, start0 = matcher.sample(len(kept), np.random.default_rng(0))
    assert time.process_time() - started < 1
    np.testing.assert_array_equal(bins(codes), bins(positives))
    here = peaks[peaks["chrom"] == "chr22"]
    assert gaps(start0, here[["start0", "end0"]].to_numpy(), 500).min() >= 1000
    assert np.diff(np.sort(start0)).min() >= 500


@needs_data
def test_negatives_of_each_part_stay_in_its_ranges():
    peaks, _ = read_bed(DATA / "peaks_hg19" / "HepG2.REST.narrowPeak.gz")
    genome = Genome(DATA / "hg19" / "chr22.fa.gz")
    _, kept, _ = windows(peaks, genome, length=500)
    entries = {"valid": ["chr22:0-25000000"], "test": ["chr22:40000000-"]}
    split = split_by_chrom(kept, **entries)
    for part, ranges in split_ranges(["chr22"], **entries).items():
        _, drawn, _ = gc_matched(
            kept[split == part], genome, length=500, exclude=peaks, ranges=ranges, seed=0
        )
        assert set(split_by_chrom(drawn, **entries)) == {part}
        assert len(drawn) == (split == part).sum()
