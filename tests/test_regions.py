import gzip
import logging
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from Bio import bgzf
from hypothesis import given, settings
from hypothesis import strategies as st

from argminn_core import dna
from argminn_core.errors import InputError
from argminn_core.fasta import Sequences
from argminn_core.genome import Genome
from argminn_core.regions import read_bed, split_by_chrom, split_ranges, tile, windows
from argminn_core.tables import REGIONS

DATA = Path(__file__).parents[1].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not (DATA / "hg19").is_dir(), reason="../shared/data is not there")


def regions(*rows: tuple[str, int]) -> pd.DataFrame:
    """Regions of 10 bp from (chrom, summit) pairs."""
    return REGIONS.frame(
        [
            {"chrom": c, "start0": s - 5, "end0": s + 5, "name": f"r{i}", "summit0": s}
            for i, (c, s) in enumerate(rows)
        ]
    )


# ---------------------------------------------------------------- BED

BED = (
    "track name=x\nbrowser position chr1\n# comment\n\n"
    "chr1\t10\t20\nchr1\t30\t41\tpeak\nchrX\t0\t9\t.\t0\t.\t1.5\t-1\t-1\t2\nchrX\t0\t9\t.\t0\t.\t1.5\t-1\t-1\t-1\n"
)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda raw: raw.replace(b"\n", b"\r\n")])
def test_read_bed(pack, tmp_path):
    path = tmp_path / "peaks"
    path.write_bytes(pack(BED.encode()))
    for source in (path, path.read_bytes()):
        found, dropped = read_bed(source)
        assert found.to_numpy().tolist() == [
            ["chr1", 10, 20, "chr1:10-20", 15],
            ["chr1", 30, 41, "peak", 35],
            ["chrX", 0, 9, "chrX:0-9", 2],
            ["chrX", 0, 9, "chrX:0-9", 4],
        ]
        assert dropped.empty


def test_bed_may_be_separated_by_blanks():
    assert read_bed("chr1 10 20 a\n")[0]["name"].tolist() == ["a"]


def test_senseless_regions_are_dropped_with_their_line():
    peak = "chr1\t10\t20\tp\t0\t.\t1\t1\t1"
    text = f"chr1\t5\t5\tempty\nchr1\t-2\t5\tbelow\n{peak}\t11\n{peak}\t10\n{peak}\t10\n{peak}\t3\n"
    found, dropped = read_bed(text)
    assert found["summit0"].tolist() == [20, 13]
    assert dropped.to_numpy().tolist() == [
        ["empty", "empty interval", "line 1: chr1:5-5, summit 5"],
        ["below", "below zero", "line 2: chr1:-2-5, summit 1"],
        ["p", "summit outside the interval", "line 3: chr1:10-20, summit 21"],
        ["p", "duplicate", "line 5: chr1:10-20, summit 20"],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chr1\t10\t20\nchr1\tten\t20\n", r"line 2: the start is not a whole number. Found: 'ten'"),
        ("chrom\tstart0\tend0\n", r"line 1: the start .* put # before a line of column names"),
        ("chr1\t10\t2e3\n", r"line 1: the end is not a whole number. Found: '2e3'"),
        ("chr1\t1\t9\t.\t0\t.\t1\t-1\t-1\tx\n", r"the summit \(column 10\) is not a whole number"),
        ("chr1\t10\n", r"line 1 has fewer than three columns. Found: 'chr1\\t10'"),
        (">chr1\nACGT\n", r"is not BED. Found: what looks like FASTA, line 1: '>chr1'.*Give it as sequences"),
        ("# only this\n", r"has no regions. Expected: lines of chrom, start and end"),
        ("\n", r"is empty"),
    ],
)
def test_what_is_not_bed(text, message):
    with pytest.raises(InputError, match=message):
        read_bed(text.encode())


def test_bed_paths(tmp_path):
    with pytest.raises(InputError, match=r"no.bed does not exist"):
        read_bed(tmp_path / "no.bed")
    with pytest.raises(InputError, match=r"is a folder"):
        read_bed(tmp_path)


# ---------------------------------------------------------------- genome

RNG = np.random.default_rng(7)
CHROMS = {"chr2": 1000, "chr10": 700, "chrM": 300}
LETTERS = {name: dna.decode(RNG.integers(0, 4, size).astype(np.uint8)) for name, size in CHROMS.items()}


def fasta(names, *, width=60, line_end="\n") -> bytes:
    lines = [f">{n} x" + line_end + line_end.join(split(LETTERS[n], width)) + line_end for n in names]
    return "".join(lines).encode()


def split(text: str, width: int) -> list[str]:
    return [text[i : i + width] for i in range(0, len(text), width)]


def write_genome(folder: Path, kind: str) -> Path:
    if kind == "folder":
        for name in CHROMS:
            packed = gzip.compress(fasta([name])) if name != "chr2" else fasta([name])
            (folder / f"{name}.fa{'.gz' if name != 'chr2' else ''}").write_bytes(packed)
        (folder / "README.txt").write_text("not a chromosome")
        return folder
    path = folder / f"genome.fa{'' if kind in ('plain', 'crlf', 'uneven', 'misnamed') else '.gz'}"
    if kind == "bgzip":
        with bgzf.open(str(path), "wb") as handle:
            handle.write(fasta(CHROMS))
    elif kind in ("gzip", "misnamed"):
        path.write_bytes(gzip.compress(fasta(CHROMS)))
    elif kind == "uneven":
        path.write_bytes(fasta(CHROMS).replace(b"A", b"A\n", 3))
    else:
        path.write_bytes(fasta(CHROMS, line_end="\r\n" if kind == "crlf" else "\n"))
    return path


@pytest.mark.parametrize("kind", ["plain", "crlf", "uneven", "misnamed", "gzip", "bgzip", "folder"])
def test_a_genome_is_the_same_however_it_is_packed(kind, tmp_path):
    genome = Genome(write_genome(tmp_path, kind))
    assert genome.chroms == ["chr2", "chr10", "chrM"]
    assert "chr2" in genome and "2" not in genome
    for name, text in LETTERS.items():
        assert genome.length(name) == CHROMS[name]
        assert dna.decode(genome.codes(name)) == text
        assert genome.codes(name) is genome.codes(name)
    with pytest.raises(ValueError, match="read-only"):
        genome.codes("chr2")[0] = 1


def test_letters_that_are_not_acgt_are_n(tmp_path):
    (tmp_path / "chr1.fa").write_text(">chr1\nACRTnn\n")
    assert dna.decode(Genome(tmp_path).codes("chr1")) == "ACNTNN"


@pytest.mark.skipif(os.name != "posix", reason="folders are made read-only by their mode")
def test_an_index_that_cannot_stay_beside_the_file_goes_elsewhere(tmp_path, monkeypatch):
    import pyfaidx

    path = write_genome(tmp_path, "plain")
    real = pyfaidx.Fasta

    def refuses_the_folder(*args, indexname, **options):
        if Path(indexname).parent == tmp_path:
            raise PermissionError(indexname)
        return real(*args, indexname=indexname, **options)

    monkeypatch.setattr(pyfaidx, "Fasta", refuses_the_folder)
    assert Genome(path).length("chr10") == 700
    assert list(tmp_path.iterdir()) == [path]


def test_names_match_with_and_without_chr(tmp_path):
    genome = Genome(write_genome(tmp_path, "plain"))
    assert genome.match(["2", "chr2", "MT", "M", "chrMT", "3"]) == {
        "2": "chr2", "chr2": "chr2", "MT": "chrM", "M": "chrM", "chrMT": "chrM",
    }  # fmt: skip
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "b.fa").write_text(">2\nACGT\n>MT\nAC\n")
    assert Genome(tmp_path / "bare").match(["chr2", "chrM"]) == {"chr2": "2", "chrM": "MT"}


def test_bad_genomes(tmp_path):
    with pytest.raises(InputError, match=r"the genome .*nowhere does not exist"):
        Genome(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"holds no FASTA. Expected: files such as chr1.fa"):
        Genome(tmp_path)
    (tmp_path / "a.fa").write_text(">chr1\nACGT\n")
    with pytest.raises(InputError, match=r"has no chromosome chr9. Found: chr1"):
        Genome(tmp_path).codes("chr9")
    (tmp_path / "b.fa").write_text(">chr1\nACGT\n")
    with pytest.raises(InputError, match=r"chr1 is in two files .*a.fa and b.fa"):
        Genome(tmp_path)
    (tmp_path / "c.fa").write_text("chr1\t10\t20\n")
    with pytest.raises(InputError, match=r"c.fa is not FASTA. Found: what looks like a BED"):
        Genome(tmp_path / "c.fa")


# ---------------------------------------------------------------- windows


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    return Genome(write_genome(tmp_path_factory.mktemp("genome"), "plain"))


def test_windows_are_centred_on_summits(genome):
    codes, kept, dropped = windows(regions(("chr2", 100), ("chr10", 350), ("chr2", 4)), genome, length=8)
    assert dna.decode_all(codes) == [LETTERS["chr2"][96:104], LETTERS["chr10"][346:354], LETTERS["chr2"][:8]]
    assert kept["start0"].tolist() == [96, 346, 0]
    assert kept["end0"].tolist() == [104, 354, 8]
    assert kept["summit0"].tolist() == [100, 350, 4]
    assert kept["name"].tolist() == ["r0", "r1", "r2"]
    assert dropped.empty
    odd, *_ = windows(regions(("chr2", 100)), genome, length=5)
    assert dna.decode_all(odd) == [LETTERS["chr2"][98:103]]


def test_a_name_made_of_coordinates_becomes_the_windows():
    found, _ = read_bed("chr2\t100\t120\nchr2\t10\t20\tmine\n")
    _, kept, _ = windows(found, FakeGenome(), length=10)
    assert kept["name"].tolist() == ["chr2:105-115", "mine"]


class FakeGenome:
    def match(self, chroms):
        return {"chr2": "chr2"}

    def length(self, chrom):
        return 200

    def codes(self, chrom):
        return np.r_[np.zeros(150, dtype=np.uint8), np.full(50, dna.N_CODE, dtype=np.uint8)]


def test_every_region_without_a_window_is_a_row():
    given = regions(
        ("chr2", 5), ("chr2", 4), ("chr2", 195), ("chr2", 196), ("chr9", 50), ("chr2", 5), ("chr2", 147)
    )
    codes, kept, dropped = windows(given, FakeGenome(), length=10, max_n=0.2)
    assert kept["name"].tolist() == ["r0", "r6"]
    assert codes.shape == (2, 10)
    assert dropped.to_numpy().tolist() == [
        ["r1", "off the chromosome end", "chr2:-1-9"],
        ["r2", "too many N", "chr2:190-200"],
        ["r3", "off the chromosome end", "chr2:191-201"],
        ["r4", "chromosome not in genome", "chr9:45-55"],
        ["r5", "duplicate window", "chr2:0-10"],
    ]


def test_names_without_chr_are_mapped_and_the_log_says_so(genome, caplog):
    with caplog.at_level(logging.WARNING):
        codes, kept, dropped = windows(regions(("2", 100), ("MT", 50)), genome, length=10)
    assert kept["chrom"].tolist() == ["chr2", "chrM"] and dropped.empty and len(codes) == 2
    assert "read 2 as chr2, MT as chrM" in caplog.text


def test_no_regions_and_no_windows(genome):
    codes, kept, dropped = windows(REGIONS.empty(), genome, length=10)
    assert codes.shape == (0, 10) and kept.empty and dropped.empty
    codes, kept, dropped = windows(regions(("chr2", 500)), genome, length=5000)
    assert codes.shape == (0, 5000) and dropped["reason"].tolist() == ["off the chromosome end"]
    with pytest.raises(InputError, match=r"length of at least 1 bp. Found: 0"):
        windows(regions(("chr2", 500)), genome, length=0)


# ---------------------------------------------------------------- splits


def test_split_by_summit():
    given = regions(("chr20", 99), ("chr20", 100), ("chr22", 5), ("chrX", 7))
    assert split_by_chrom(given, valid=["chr20:0-100"], test=["chr22"]).tolist() == [
        "valid", "train", "test", "train",
    ]  # fmt: skip
    assert split_by_chrom(given, valid=["20:100-"], test=["X", "chr20:0-1,00"]).tolist() == [
        "test", "valid", "train", "test",
    ]  # fmt: skip
    assert split_by_chrom(given).tolist() == ["train"] * 4


def test_bad_splits():
    given = regions(("chr20", 99), ("chr22", 5))
    with pytest.raises(InputError, match=r"'chr21', which is not among the chromosomes. Found: chr20, chr22"):
        split_by_chrom(given, valid=["chr21"])
    with pytest.raises(InputError, match=r"both the valid and the test set. Found: r0, summit chr20:99"):
        split_by_chrom(given, valid=["chr20:0-100"], test=["chr20"])
    with pytest.raises(InputError, match=r"the range 'chr20:9-9' is empty"):
        split_by_chrom(given, test=["chr20:9-9"])


def test_ranges_agree_with_the_split():
    ranges = split_ranges(["chr20", "chr22", "chrX"], valid=["chr20:50-100"], test=["22", "chr20:200-"])
    assert ranges == {
        "train": ["chr20:0-50", "chr20:100-200", "chrX:0-"],
        "valid": ["chr20:50-100"],
        "test": ["chr22:0-", "chr20:200-"],
    }
    given = regions(*[("chr20", at) for at in (0, 49, 50, 99, 100, 199, 200)], ("chr22", 1), ("chrX", 1))
    split = split_by_chrom(given, valid=ranges["valid"], test=ranges["test"])
    again = split_by_chrom(given, valid=ranges["train"])
    np.testing.assert_array_equal(split == "train", again == "valid")


# ---------------------------------------------------------------- tiles


def test_tiles_of_each_kind():
    sequences = Sequences.from_texts(
        ["exact", "long", "short", "odd", "tiny", "unknown", "empty"],
        ["ACGTACGT", "ACGTACGTACGTACGTAC", "ACGTAC", "CCCCC", "A", "NNNNNNNN", ""],
    )
    tiled, dropped = tile(sequences, length=8, min_length=3)
    assert len(tiled) == 7
    assert tiled.record.tolist() == [0, 1, 1, 1, 1, 2, 3]
    assert tiled.start0.tolist() == [0, 0, 4, 8, 10, -1, -1]
    assert tiled.end0.tolist() == [8, 8, 12, 16, 18, 7, 7]
    assert tiled.note.tolist() == ["", "window", "window", "window", "window", "padded", "padded"]
    assert dna.decode_all(tiled.codes(0, 7)) == [
        "ACGTACGT", "ACGTACGT", "ACGTACGT", "ACGTACGT", "GTACGTAC", "NACGTACN", "NCCCCCNN",
    ]  # fmt: skip
    np.testing.assert_array_equal(tiled.codes(3, 6), tiled.codes(0, 7)[3:6])
    assert dropped.to_numpy().tolist() == [
        ["tiny", "too short", "1 bp, at least 3 bp are needed"],
        ["unknown", "no known base", "8 bp, all N"],
        ["empty", "too short", "0 bp, at least 3 bp are needed"],
    ]
    with pytest.raises(InputError, match=r"stride leaves gaps or stands still. Found: 9. Expected: 1 to 8"):
        tile(sequences, length=8, stride=9)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 40), max_size=5), st.integers(1, 12), st.data())
def test_tiles_cover_every_base(sizes, length, data):
    stride = data.draw(st.integers(1, length))
    sequences = Sequences.from_texts([str(i) for i in range(len(sizes))], [("ACGTT" * 8)[:n] for n in sizes])
    tiled, dropped = tile(sequences, length=length, stride=stride, min_length=1)
    assert len(set(tiled.record)) + len(dropped) == len(sizes)
    codes = tiled.codes(0, len(tiled))
    for i in set(tiled.record.tolist()):
        covered = np.full(sizes[i], 9)
        for row in np.flatnonzero(tiled.record == i):
            at = np.arange(tiled.start0[row], tiled.end0[row])
            inside = (at >= 0) & (at < sizes[i])
            covered[at[inside]] = codes[row][inside]
            assert (codes[row][~inside] == dna.N_CODE).all()
        np.testing.assert_array_equal(covered, sequences.codes_of(i))


def test_tiling_holds_nothing_but_places():
    n = 20_000
    sequences = Sequences.from_codes([f"s{i}" for i in range(n)], np.zeros((n, 500), dtype=np.uint8))
    tracemalloc.start()
    tiled, _ = tile(sequences, length=250)
    tiled.codes(0, 512)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(tiled) == 3 * n
    assert peak < 600 * n


# ---------------------------------------------------------------- real data


@needs_data
def test_windows_of_real_peaks_equal_the_published_ones():
    found, unread = read_bed(DATA / "peaks_hg19" / "HepG2.CTCF.narrowPeak.gz")
    with gzip.open(DATA / "peaks_hg19" / "HepG2.CTCF.narrowPeak.gz") as handle:
        assert len(found) + len(unread) == sum(1 for _ in handle)
    genome = Genome(DATA / "hg19" / "chr22.fa.gz")
    assert genome.chroms == ["chr22"]
    codes, kept, dropped = windows(found, genome, length=500)
    assert len(kept) + len(dropped) == len(found)
    ours = dict(zip(kept["start0"], dna.decode_all(codes), strict=True))
    table = pd.read_csv(DATA / "chipseq_500bp" / "CTCF_HepG2.tsv.gz", sep="\t")
    theirs = table[(table["chrom"] == "chr22") & (table["kind"] == "peak")]
    assert len(theirs) > 500
    for start, sequence in zip(theirs["start"], theirs["sequence"], strict=True):
        assert ours[start] == sequence


@needs_data
def test_names_of_a_read_only_folder_are_known_at_once():
    genome = Genome(DATA / "hg19")
    assert genome.chroms == ["chr20", "chr22", "chrX"]
    assert not genome._codes  # nothing is decompressed for the names


@needs_data
def test_a_gzip_of_many_chromosomes():
    assert Genome(DATA / "yeast" / "sacCer3.fa.gz").length("chrI") == 230_218
