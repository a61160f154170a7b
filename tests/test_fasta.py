import gzip
import logging
import time

import numpy as np
import pytest
from Bio import bgzf
from hypothesis import given, settings
from hypothesis import strategies as st

from argminn_core.errors import InputError
from argminn_core.fasta import Sequences, read_bytes, read_fasta, to_fasta, write_fasta

names = st.text("abcXYZ019_.:-|", min_size=1, max_size=8)
records = st.dictionaries(names, st.text("ACGTN", min_size=1, max_size=70), min_size=1, max_size=6)


def texts(sequences: Sequences) -> dict[str, str]:
    return {name: sequences.text(i) for i, name in enumerate(sequences.names)}


@settings(deadline=None, max_examples=50)
@given(records, st.sampled_from([None, 1, 7, 60]), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_what_is_written_is_read(records, width, line_end, lower):
    text = to_fasta(records.items(), width=width).replace("\n", line_end)
    sequences, dropped = read_fasta(text.encode())
    assert texts(sequences) == records
    assert dropped.empty
    swapped, _ = read_fasta(to_fasta(((n, t.lower() if lower else t) for n, t in records.items())))
    np.testing.assert_array_equal(swapped.codes, sequences.codes)


PLAIN = b">one first record\nACGT\nAC\n>two\nNNacgt\n"


@pytest.fixture
def packings(tmp_path):
    paths = {kind: tmp_path / f"{kind}.txt" for kind in ("plain", "gzip", "bgzip")}
    paths["plain"].write_bytes(PLAIN)
    paths["gzip"].write_bytes(gzip.compress(PLAIN[:20]) + gzip.compress(PLAIN[20:]))
    with bgzf.open(str(paths["bgzip"]), "wb") as handle:
        handle.write(PLAIN)
    return paths


@pytest.mark.parametrize("kind", ["plain", "gzip", "bgzip"])
def test_packing_is_told_by_content(packings, kind):
    for source in (packings[kind], str(packings[kind]), packings[kind].read_bytes()):
        sequences, dropped = read_fasta(source)
        assert texts(sequences) == {"one": "ACGTAC", "two": "NNACGT"}
        assert sequences.headers == ["one first record", "two"]
        assert dropped.empty


@pytest.mark.parametrize(
    "text",
    [
        ">a\r\nAC\r\nGT\r\n",
        "\ufeff>a\nACGT",
        "\n\n  \n>a\n\nAC\n\nGT\n\n",
        ">a\nAC GT\t\n",
        "> a\nacgt",
        ">a\rACGT\r",
    ],
    ids=["windows", "byte-order mark", "blank lines", "blanks inside", "blank before the name", "old mac"],
)
def test_odd_but_good_text(text):
    assert texts(read_fasta(text)[0]) == texts(read_fasta(text.encode())[0]) == {"a": "ACGT"}


def test_a_record_without_a_name_is_numbered():
    assert read_fasta(">\nAC\n>x\nGT\n> \nGG\n")[0].names == ["sequence_1", "x", "sequence_3"]


def test_duplicates_are_dropped_and_namesakes_renamed(caplog):
    with caplog.at_level(logging.WARNING):
        text = ">a 1\nAC\n>a 2\nac\n>a 3\nGT\n>a_2\nTT\n>a 4\nGT\n>b\n\n>a 5\nGG\n"
        sequences, dropped = read_fasta(text)
    assert texts(sequences) == {"a": "AC", "a_3": "GT", "a_2": "TT", "a_4": "GG"}
    assert sequences.headers == ["a 1", "a 3", "a_2", "a 5"]
    assert dropped.to_numpy().tolist() == [
        ["a", "duplicate", "record 2 repeats the name and the sequence of an earlier one"],
        ["a", "duplicate", "record 5 repeats the name and the sequence of an earlier one"],
        ["b", "empty", "a header without a sequence"],
    ]
    assert len(sequences) + len(dropped) == 7
    assert "the name a is taken by another sequence, renamed a_3" in caplog.text


def test_all_records_empty():
    sequences, dropped = read_fasta(">a\n>b\n")
    assert len(sequences) == 0 and sequences.lengths.shape == (0,) and sequences.stack().shape == (0, 0)
    assert dropped["reason"].tolist() == ["empty", "empty"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the input is empty"),
        (b" \n\r\n", "the input is empty"),
        (b"ACGTAC\nACGT\n", "is not FASTA. Found: bare letters without a header.*Put a line such as >name"),
        (b"chr1\t10\t20\n", "not FASTA. Found: what looks like a BED file.*Give it as regions"),
        (b"chr1\t1\t9\t.\t0\t.\t1\t-1\t-1\t4\n", "what looks like a narrowPeak file"),
        (b"@read\nACGT\n+\nIIII\n", "what looks like a FASTQ file"),
        (b"MEME version 4\n", "a MEME motif file"),
        (b"sequence\tstart0\n", r"Found: 'sequence\\tstart0'. Expected: a first line that starts with >"),
        (b">a\nAC\0GT", "is a binary file"),
        (b"PK\x03\x04 and so on", "cannot be read. Found: a zip archive. Expected: plain text"),
        (">a\nACGT".encode("utf-16"), "text in UTF-16"),
        (gzip.compress(PLAIN, mtime=0)[:-12], "damaged or truncated gzip file.*Copy or download it again"),
        (gzip.compress(PLAIN, mtime=0)[:30] + b"?" * 20, "damaged or truncated gzip file"),
        (gzip.compress(b"", mtime=0), "the input is empty"),
        (b">a\nACGT\n>p1 x\nMKV\nACRFAC\n", "record p1 of the input, line 5, column 4 looks like protein"),
        (b">a\nACGT\n>b\nACG\n AR\n", r"record b of .*, line 5, column 3: .* not DNA. Found: 'R'.*read as N"),
        (b"\n>b\r\nAC\r\nA-T\r\n", "record b of the input, line 4, column 2: .* not DNA. Found: '-'"),
        (b">b\nACGU\n", "Found: 'U'.*looks like RNA: write T for U"),
        (">b\nAC\u00e9".encode(), "line 2, column 3: .*Found: '\u00e9'"),
    ],
)  # fmt: skip
def test_bad_content_is_named(content, message):
    with pytest.raises(InputError, match=message):
        read_fasta(content)


def test_bad_paths_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none.fa does not exist. Check the path"):
        read_fasta(tmp_path / "none.fa")
    with pytest.raises(InputError, match=r"is a folder. Expected: a file"):
        read_fasta(tmp_path)


def test_ambiguous_letters_become_n_when_asked():
    sequences, _ = read_fasta(">a\nARyXT\n", ambiguous="N")
    assert sequences.text(0) == "ANNNT"
    for letter in "-U1":
        with pytest.raises(InputError, match=r"column 2"):
            read_fasta(f">a\nA{letter}R\n", ambiguous="N")
    with pytest.raises(InputError, match=r"looks like protein"):
        read_fasta(">a\nMKVLE\n", ambiguous="N")


def test_too_many_records():
    with pytest.raises(InputError, match=r"too many records. Found: 3 records. Expected: at most 2"):
        read_fasta(">a\nA\n>b\nC\n>c\nG\n", max_records=2)
    assert len(read_fasta(">a\nA\n>b\nC\n", max_records=2)[0]) == 2


def test_a_decompression_bomb_stops():
    bomb = gzip.compress(b">a\n" + b"A" * 50_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(InputError, match=r"too large. Found: more than 1,000,000 bytes after decompression"):
        read_fasta(bomb, max_bytes=1_000_000)
    with pytest.raises(InputError, match=r"too large"):
        read_bytes(b">a\nACGT", max_bytes=3)


def test_100_000_records_are_fast():
    rng = np.random.default_rng(0)
    lines = np.full((100_000, 512), ord("\n"), dtype=np.uint8)
    lines[:, :500] = np.frombuffer(b"ACGT", dtype=np.uint8)[rng.integers(0, 4, (100_000, 500))]
    text = b"".join(b">s%d\n%s" % (i, row.tobytes()) for i, row in enumerate(lines))
    started = time.process_time()
    sequences, dropped = read_fasta(text)
    # Four times what it takes, so that a slow machine passes and a loop over bases does not.
    assert time.process_time() - started < 3
    assert len(sequences) == 100_000 and dropped.empty
    assert sequences.stack().shape == (100_000, 500)
    assert sequences.text(99_999).encode() == lines[-1, :500].tobytes()


def test_writing(tmp_path):
    assert to_fasta([("a x=1", "ACGTA"), ("b", "")], width=2) == ">a x=1\nAC\nGT\nA\n>b\n"
    assert to_fasta([("a", "ACGTA" * 50)], width=None) == ">a\n" + "ACGTA" * 50 + "\n"
    write_fasta(((f"s{i}", "ACGT") for i in range(3)), tmp_path / "out.fa")
    assert (tmp_path / "out.fa").read_bytes() == b">s0\nACGT\n>s1\nACGT\n>s2\nACGT\n"
    with pytest.raises(InputError, match=r"a FASTA header holds a line end"):
        to_fasta([("a\nb", "A")])


def test_sequences():
    sequences = Sequences.from_texts(["a", "b", "c"], ["ACG", "T", "NNA"])
    assert len(sequences) == 3
    assert sequences.lengths.tolist() == [3, 1, 3]
    assert sequences.codes_of(-1).tolist() == [4, 4, 0]
    assert sequences.headers == sequences.names
    part = sequences.subset([2, 0])
    assert texts(part) == {"c": "NNA", "a": "ACG"}
    assert part.stack().tolist() == [[4, 4, 0], [0, 1, 2]]
    with pytest.raises(InputError, match=r"differ in length. Found: a has 3 bp, b has 1 bp"):
        sequences.stack()
    with pytest.raises(IndexError):
        sequences.codes_of(3)
    again = Sequences.from_codes(["x", "y"], part.stack())
    assert again.text(1) == "ACG"
    with pytest.raises(ValueError, match=r"2 names need 3 offsets"):
        Sequences(["a", "b"], sequences.codes, np.array([0, 3]))
