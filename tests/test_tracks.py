"""Files for other tools, read back by these: gffutils, pyBigWig, pyfaidx, pandas, and bedtools where it is there."""

from __future__ import annotations

import io
import shutil
import subprocess
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import LENGTH, SITE, background, detector, plant, random_codes, tiny_bundle

from argminn_core import dna
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences, write_fasta
from argminn_core.instances import scan, to_bed
from argminn_core.predict import trace
from argminn_core.tables import INSTANCES, SIGNAL
from argminn_core.tracks import (
    attention_signal,
    chrom_sizes,
    contribution_signal,
    have_places,
    to_bedgraph,
    to_fimo,
    to_gff3,
    write_bigwig,
)

TURNED = dna.reverse_complement(SITE)
# Two chromosomes; windows of the model's length on them, two of which share a site, and one that holds none.
GENOME = {
    "chr2": plant(plant(background(400, seed=1), SITE, 151), TURNED, 320),
    "chr10": plant(background(200, seed=2), TURNED, 93),
}
WINDOWS = [("chr2", 120), ("chr2", 140), ("chr2", 300), ("chr10", 70), ("chr10", 0)]
SITES = [("chr10", 93, "-"), ("chr2", 151, "+"), ("chr2", 151, "+"), ("chr2", 320, "-")]


@pytest.fixture(scope="module")
def bundle():
    return detector()


@pytest.fixture(scope="module")
def sequences():
    names = [f"{chrom}:{start}-{start + LENGTH}" for chrom, start in WINDOWS]
    return Sequences.from_texts(names, [GENOME[chrom][start : start + LENGTH] for chrom, start in WINDOWS])


@pytest.fixture(scope="module")
def instances(bundle, sequences):
    return scan(bundle, sequences).instances


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    write_fasta(GENOME.items(), path)
    return path


@pytest.fixture(scope="module")
def bedtools():
    program = shutil.which("bedtools")
    if program is None:
        pytest.skip("bedtools is not installed (Debian: apt-get install bedtools)")

    def run(*arguments):
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout

    return run


def made_up(rows):
    """INSTANCES of (sequence, start0, end0, contribution)."""
    frame = pd.DataFrame(rows, columns=["sequence", "start0", "end0", "contribution"])
    return INSTANCES.check(frame.assign(motif="M", strand="+", attention=0.95, activation=1.0))


# --- BED and GFF3 -------------------------------------------------------------------------------------------


def test_bed_is_six_columns_and_the_raw_values(instances, genome):
    from pyfaidx import Fasta

    text = to_bed(instances)
    bed = pd.read_csv(io.StringIO(text), sep="\t", header=None)
    assert bed.shape == (4, 9) and bed[4].dtype == np.int64 and bed[4].between(0, 1000).all()
    np.testing.assert_allclose(bed[4], np.rint(100 * instances["contribution"]).clip(0, 1000))
    assert sorted(zip(bed[0], bed[1], bed[5], strict=True)) == SITES
    letters = Fasta(str(genome), rebuild=True)
    for chrom, start, end, name, _, strand, *_ in bed.itertuples(index=False):
        span = letters[chrom][start:end]
        assert (name, str(span if strand == "+" else span.reverse.complement)) == ("SITE", SITE)


def test_gff3_is_read_by_gffutils(instances, genome):
    import gffutils

    text = to_gff3(instances.assign(q_value=[0.01, 0.02, 0.03, np.nan]))
    database = gffutils.create_db(text, ":memory:", from_string=True)
    features = list(database.all_features())
    assert [(f.seqid, f.start - 1, f.strand) for f in features] == SITES
    assert all(f.featuretype == "nucleotide_motif" and f.end - f.start == 7 for f in features)
    assert [f.sequence(str(genome), use_strand=True) for f in features] == [SITE] * 4
    assert len({f.attributes["ID"][0] for f in features}) == 4
    by_place = instances.assign(chrom=instances["sequence"].str.partition(":")[0]).sort_values(
        "chrom", kind="stable"
    )
    np.testing.assert_allclose([float(f.score) for f in features], [*by_place["contribution"]], rtol=1e-5)
    assert features[0].attributes["readers"] == ["1.1"] and features[0].attributes["Name"] == ["SITE"]
    assert sum("q_value" in f.attributes for f in features) == 3


def test_bedtools_reads_bed_and_gff3(bedtools, instances, genome, tmp_path):
    for name, text in (("i.bed", to_bed(instances)), ("i.gff3", to_gff3(instances))):
        (tmp_path / name).write_text(text)
        lines = bedtools("getfasta", "-s", "-tab", "-fi", genome, "-bed", tmp_path / name).splitlines()
        assert len(lines) == 4 and {line.split("\t")[1] for line in lines} == {SITE}
    both = bedtools(
        "intersect", "-s", "-f", "1", "-r", "-u", "-a", tmp_path / "i.gff3", "-b", tmp_path / "i.bed"
    )
    assert len(both.splitlines()) == 4  # the two files mean the same places


# A FASTA name has no white space; a motif's name may have anything that prints.
names = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="\x7f"), min_size=1, max_size=9
)
names = names.filter(lambda name: not any(letter.isspace() or not letter.isprintable() for letter in name))


@settings(max_examples=150, deadline=None)
@given(names, st.tuples(names, names).map(" ".join) | names)
def test_gff3_escapes_any_name(sequence, motif):
    from gffutils.feature import feature_from_line

    row = made_up([(sequence, 3, 9, 1.5)]).assign(motif=motif, readers="1.2,3.4")
    (line,) = to_gff3(row).splitlines()[1:]
    assert len(line.split("\t")) == 9 and line.isascii()
    feature = feature_from_line(line)
    assert feature.attributes["Name"] == [motif] and feature.attributes["readers"] == ["1.2", "3.4"]
    assert not line.startswith((">", "#"))


def test_names_that_are_no_places_stay_as_they_are(bundle):
    found = scan(bundle, Sequences.from_texts(["peak_1"], [plant(background(LENGTH), SITE, 20)])).instances
    assert to_bed(found).split("\t")[:3] == ["peak_1", "20", "28"]
    assert to_gff3(found).splitlines()[1].split("\t")[:5] == [
        "peak_1",
        "argminn",
        "nucleotide_motif",
        "21",
        "28",
    ]
    assert have_places(["chr1:5-9", "HLA*01:7-9"])
    assert (
        not have_places([]) and not have_places(["chr1:5-9", "peak_1"]) and not have_places(["chr1:5-9(-)"])
    )


# --- FIMO's table -------------------------------------------------------------------------------------------


def test_the_fimo_table_has_fimos_columns_and_coordinates(bundle, sequences, instances):
    text = to_fimo(bundle, instances, sequences)
    table = pd.read_csv(io.StringIO(text), sep="\t")
    assert text.splitlines()[0].split("\t") == [
        "motif_id", "motif_alt_id", "sequence_name", "start", "stop", "strand", "score", "p-value", "q-value",
        "matched_sequence",
    ]  # fmt: skip
    for row in table.itertuples():
        codes = sequences.text(sequences.names.index(row.sequence_name))[row.start - 1 : row.stop]
        assert row.matched_sequence == SITE == (codes if row.strand == "+" else dna.reverse_complement(codes))
    np.testing.assert_allclose(table["p-value"], 4.0**-8, rtol=1e-5)  # the best of all words of eight letters
    np.testing.assert_allclose(table["score"], 16, atol=0.01)  # two bits a column
    assert table["q-value"].isna().all() and (table["motif_id"] == "SITE").all()
    known = pd.read_csv(io.StringIO(to_fimo(bundle, instances.assign(q_value=0.03), sequences)), sep="\t")
    assert (known["q-value"] == 0.03).all()


def test_an_unknown_base_counts_no_bits(bundle):
    sequences = Sequences.from_texts(["s"], ["N" * 20 + SITE[:6] + "N" * 34])
    row = made_up([("s", 20, 28, 1.0)]).assign(motif="SITE")
    table = pd.read_csv(io.StringIO(to_fimo(bundle, row, sequences)), sep="\t")
    assert table["matched_sequence"][0] == SITE[:6] + "NN" and table["score"][0] == pytest.approx(
        12, abs=0.01
    )


def test_what_fimo_cannot_be_told_is_said(bundle, sequences, instances):
    for other in (
        instances.assign(sequence="x"),
        instances.assign(end0=LENGTH + 1),
        instances.assign(start0=-1),
    ):
        with pytest.raises(InputError, match="outside the sequences"):
            to_fimo(bundle, other, sequences)
    with pytest.raises(InputError, match="outside the sequences"):
        to_fimo(bundle, instances, Sequences.from_texts([], []))
    with pytest.raises(InputError, match=r"not as wide as the motif. Found: 7. Expected: 8"):
        to_fimo(bundle, instances.assign(end0=instances["end0"] - 1), sequences)


# --- signals ------------------------------------------------------------------------------------------------


def by_base(signal):
    """{(chrom, base): value}, and proof that intervals are sorted, apart and as long as they can be."""
    values = {}
    rows = list(signal.itertuples(index=False, name=None))
    for chrom, start, end, value in rows:
        assert start < end
        for base in range(start, end):
            assert (chrom, base) not in values
            values[chrom, base] = value
    assert rows == sorted(rows, key=lambda row: row[:2])
    for (chrom, _, end, value), (other, start, _, after) in pairwise(rows):
        assert (chrom, end, value) != (other, start, after)
    return values


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["chr1:5-90", "chr1:20-80", "chr2:0-50", "peak"]), st.integers(0, 30), st.integers(1, 12),
            st.integers(-2, 3).map(float),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_the_largest_value_counts_at_each_base(rows):
    expected: dict = {}
    for name, start, width, value in rows:
        chrom, _, place = name.partition(":")
        shift = int(place.partition("-")[0] or 0)
        for base in range(start + shift, start + shift + width):
            expected[chrom, base] = max(value, expected.get((chrom, base), -np.inf))
    signal = contribution_signal(made_up([(n, s, s + w, v) for n, s, w, v in rows]))
    assert by_base(signal) == expected
    assert list(signal) == list(SIGNAL.columns)


@pytest.mark.parametrize("stride", [None, 30, 7])
def test_attention_is_that_of_every_head_that_reads_a_base(stride):
    bundle = tiny_bundle(2)
    config = bundle.model.config
    texts = {"chr1:10-40": 30, "chr1:25-55": 30, "chr2:0-71": 71, "chr3:5-22": 17}  # two overlap, long, short
    codes = {name: random_codes(1, length, seed=i)[0] for i, (name, length) in enumerate(texts.items())}
    sequences = Sequences.from_texts([*codes, "tiny"], [*map(dna.decode, codes.values()), "ACG"])
    expected: dict = {}
    for name, letters in codes.items():
        chrom, _, place = name.partition(":")
        shift, length = int(place.partition("-")[0]), len(letters)
        step = stride or 15
        starts = sorted({min(s, max(length - 30, 0)) for s in range(0, max(length - 30, 0) + step, step)})
        for start in starts if length >= 30 else [-((30 - length) // 2)]:
            window = np.full(30, dna.N_CODE, dtype=np.uint8)
            inside = np.arange(start, start + 30)
            inside = inside[(inside >= 0) & (inside < length)]
            window[inside - start] = letters[inside]
            peak = trace(bundle.model, window[None]).att[0].max(axis=(0, 1))
            for base in inside:
                reads = range(
                    max(base - start - config.width + 1, 0), min(base - start, config.positions - 1) + 1
                )
                key = chrom, base + shift
                expected[key] = max(peak[[*reads]].max(), expected.get(key, 0))
    found = by_base(attention_signal(bundle, sequences, stride=stride))
    strong = {key: value for key, value in expected.items() if value > 0.0105}
    assert len(strong) > 100 and set(strong) <= set(found)
    for key, value in found.items():
        assert value == pytest.approx(expected[key], abs=0.00051) and value >= 0.01


def test_a_track_of_the_trained_kind_peaks_at_the_sites(bundle, sequences, instances):
    seen = []
    attention = by_base(attention_signal(bundle, sequences, progress=lambda *at: seen.append(at)))
    worth = by_base(contribution_signal(instances))
    bases = {(chrom, base) for chrom, start, _ in SITES for base in range(start, start + 8)}
    assert set(worth) == bases and min(worth.values()) > 5
    assert all(attention[base] > 0.9 for base in bases) and seen[-1] == (5, 5)
    assert by_base(contribution_signal(instances, "attention")).keys() == bases
    with pytest.raises(InputError, match="no number motif"):
        contribution_signal(instances, "motif")


def test_bedgraph_and_bigwig_are_read_back(bundle, sequences, instances, genome, tmp_path):
    import pyBigWig

    sizes = {chrom: len(text) for chrom, text in GENOME.items()}
    for signal in (contribution_signal(instances), attention_signal(bundle, sequences)):
        graph = pd.read_csv(io.StringIO(to_bedgraph(signal)), sep="\t", header=None)
        assert graph[[0, 1, 2]].to_numpy().tolist() == signal[["chrom", "start0", "end0"]].to_numpy().tolist()
        np.testing.assert_allclose(graph[3], signal["value"], rtol=1e-5)
        for given_sizes in (sizes, None):
            write_bigwig(signal, tmp_path / "s.bw", sizes=given_sizes)
            with pyBigWig.open(str(tmp_path / "s.bw")) as bigwig:
                assert bigwig.isBigWig() and (given_sizes is None or bigwig.chroms() == sizes)
                read = [(c, *row) for c in sorted(bigwig.chroms()) for row in bigwig.intervals(c)]
            places = signal[["chrom", "start0", "end0"]].itertuples(index=False, name=None)
            assert [row[:3] for row in read] == list(places)
            np.testing.assert_array_equal(
                np.float32([row[3] for row in read]), signal["value"].to_numpy(np.float32)
            )
    assert [path.name for path in tmp_path.iterdir()] == ["s.bw"]


def test_bedtools_maps_the_bedgraph_on_the_bed(bedtools, instances, tmp_path):
    (tmp_path / "c.bedgraph").write_text(to_bedgraph(contribution_signal(instances)))
    (tmp_path / "i.bed").write_text(to_bed(instances))
    (tmp_path / "sorted.bed").write_text(bedtools("sort", "-i", tmp_path / "i.bed"))
    mapped = bedtools(
        "map", "-a", tmp_path / "sorted.bed", "-b", tmp_path / "c.bedgraph", "-c", "4", "-o", "max"
    )
    rows = [line.split("\t") for line in mapped.splitlines()]
    top = instances.groupby(instances["sequence"].str.partition(":")[0])["contribution"].max()
    assert len(rows) == 4 and all(float(row[9]) >= float(row[8]) for row in rows)
    assert max(float(row[9]) for row in rows) == pytest.approx(top.max(), rel=1e-5)


def test_sizes_come_from_an_index_a_table_or_a_genome(genome, tmp_path):
    from pyfaidx import Fasta

    sizes = {"chr2": 400, "chr10": 200}
    Fasta(str(genome), rebuild=True)
    (tmp_path / "hg.sizes").write_text("chr2\t400\nchr10\t200\n\n")
    for source in (genome, f"{genome}.fai", tmp_path / "hg.sizes"):
        assert chrom_sizes(source) == sizes
    for text in ("chr2\n", "chr2\tmany\n", "chr2\t0\n", "\t5\n"):
        (tmp_path / "bad.sizes").write_text("chr1\t5\n" + text)
        with pytest.raises(InputError, match=r"line 2 of .*bad.sizes has no size"):
            chrom_sizes(tmp_path / "bad.sizes")
    with pytest.raises(InputError, match="does not exist"):
        chrom_sizes(tmp_path / "no.sizes")


# --- bad input ----------------------------------------------------------------------------------------------


def test_nothing_found_is_an_empty_file(bundle, tmp_path):
    empty, sequences = INSTANCES.empty(), Sequences.from_texts(["a", "b"], ["N" * 80, "ACG"])
    assert to_bed(empty) == "" and to_gff3(empty) == "##gff-version 3\n"
    assert to_fimo(bundle, empty, sequences).count("\n") == 1
    for signal in (contribution_signal(empty), attention_signal(bundle, sequences)):
        assert len(signal) == 0 and list(signal) == list(SIGNAL.columns) and to_bedgraph(signal) == ""
        with pytest.raises(InputError, match="no signal to write"):
            write_bigwig(signal, tmp_path / "s.bw")


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5)])
def test_an_interval_that_is_none_is_named(start, end):
    for export in (to_gff3, contribution_signal):
        with pytest.raises(InputError, match=rf"interval on s is none. Found: {start}-{end}"):
            export(made_up([("s", 0, 3, 1.0), ("s", start, end, 1.0)]))


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("chr3", 0, 5, 1.0)], "chr3 has no size.*chr2, chr10"),
        ([("chr2", 390, 401, 1.0)], r"chr2:390-401 cannot be written.*400 bp"),
        ([("chr2", 5, 5, 1.0)], "chr2:5-5"),
        ([("chr2", -1, 5, 1.0)], "chr2:-1-5"),
        ([("chr2", 0, 9, 1.0), ("chr2", 8, 12, 2.0)], "chr2:8-12.*neither overlap"),
        ([("chr2", 0, 9, float("nan"))], "chr2:0-9.*value nan"),
    ],
)
def test_a_bigwig_that_cannot_be_is_said_and_nothing_is_written(rows, says, tmp_path):
    signal = SIGNAL.frame(pd.DataFrame(rows, columns=list(SIGNAL.columns)))
    with pytest.raises(InputError, match=says):
        write_bigwig(signal, tmp_path / "s.bw", sizes={"chr2": 400, "chr10": 200})
    assert not list(tmp_path.iterdir())


def test_a_bigwig_nowhere(tmp_path):
    signal = SIGNAL.frame(pd.DataFrame([("c", 0, 5, 1.0)], columns=list(SIGNAL.columns)))
    with pytest.raises(InputError, match="could not be written"):
        write_bigwig(signal, tmp_path / "no" / "s.bw")
