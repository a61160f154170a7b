import gzip
import io
import re
from warnings import catch_warnings, simplefilter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argminn_core.errors import InputError
from argminn_core.pfm import (
    Motif,
    jaspar,
    jaspar_collection,
    log_odds,
    read_meme,
    to_jaspar,
    to_meme,
    to_transfac,
)

MATRIX = np.array(
    [[0.1, 0.9, 0.25, 0.0], [0.2, 0.05, 0.25, 1.0], [0.3, 0.05, 0.25, 0.0], [0.4, 0.0, 0.25, 0.0]]
)
ROWS = "0.1 0.2 0.3 0.4\n0.9 0.05 0.05 0\n"


@st.composite
def motif_lists(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    widths = draw(st.lists(st.integers(1, 30), min_size=1, max_size=4))
    motifs = []
    for i, width in enumerate(widths):
        pfm = rng.dirichlet([draw(st.sampled_from([0.05, 1.0]))] * 4, width).T
        nsites = draw(st.sampled_from([None, 40, 5000]))
        motifs.append(Motif(f"m{i}", pfm, alt=f"ALT{i}" * (i % 2), nsites=nsites))
    return motifs


def same(one, two, atol=1e-6):
    return one.shape == two.shape and np.allclose(one, two, atol=atol)


def test_motif_knows_its_consensus_and_information():
    motif = Motif("m", MATRIX)
    assert motif.width == 4 and motif.consensus == "TAAC"
    assert motif.information == pytest.approx([0.153561, 1.431004, 0, 2], abs=1e-5)
    assert motif.core() == (1, 4) and motif.trimmed().width == 3
    turned = motif.reverse_complement()
    assert turned.consensus == "GATA" and same(turned.reverse_complement().pfm, motif.pfm)
    with pytest.raises(ValueError, match="read-only"):
        motif.pfm[0, 0] = 1
    assert Motif("flat", np.full((4, 3), 0.25)).core() == (0, 0)
    with pytest.raises(InputError, match="nothing is left"):
        Motif("flat", np.full((4, 3), 0.25)).trimmed()


@pytest.mark.parametrize(
    "pfm", [np.zeros((4, 0)), np.ones((3, 5)), np.ones((4, 2)), [[2], [-1], [0], [0]], [[np.nan]] * 4]
)
def test_motif_refuses_what_is_no_distribution(pfm):
    with pytest.raises(InputError):
        Motif("m", pfm)


def test_log_odds_are_bits():
    assert log_odds(MATRIX, pseudocount=0)[1] == pytest.approx(np.log2(MATRIX[1] / 0.25))
    assert np.isfinite(log_odds(MATRIX)).all() and np.isneginf(log_odds(MATRIX, pseudocount=0)).any()
    background = [0.4, 0.1, 0.1, 0.4]
    assert log_odds(np.array(background)[:, None], background) == pytest.approx(np.zeros((4, 1)))


@settings(max_examples=30, deadline=None)
@given(motif_lists())
def test_meme_reads_back(motifs):
    back = read_meme(to_meme(motifs))
    assert [(m.name, m.alt) for m in back] == [(m.name, m.alt) for m in motifs]
    assert all(same(one.pfm, two.pfm, 2e-6) for one, two in zip(motifs, back, strict=True))


def test_nsites_are_written_as_an_integer():
    assert "nsites= 2105198 " in to_meme([Motif("m", MATRIX, nsites=2105198.4)])


@settings(max_examples=15, deadline=None)
@given(motif_lists())
def test_biopython_and_memelite_read_what_we_write(tmp_path_factory, motifs):
    from Bio import motifs as bio
    from memelite.io import read_meme as memelite

    def frequencies(record):
        counts = np.array([record.counts[base] for base in "ACGT"])
        return counts / counts.sum(axis=0)

    with catch_warnings():
        simplefilter("ignore")  # Biopython has an opinion about spaces in TRANSFAC
        meme = bio.parse(io.StringIO(to_meme(motifs)), "minimal")
        jaspar_ = bio.parse(io.StringIO(to_jaspar(motifs)), "jaspar")
        transfac = bio.parse(io.StringIO(to_transfac(motifs)), "transfac")
    path = tmp_path_factory.mktemp("meme") / "motifs.meme"
    path.write_text(to_meme(motifs))
    lite = list(memelite(str(path)).values())
    for at, motif in enumerate(motifs):
        assert meme[at].name == motif.name and jaspar_[at].matrix_id == motif.name
        assert transfac[at]["AC"] == motif.name
        # It rounds every count to whole sites, 20 of them where none are known.
        assert same(frequencies(meme[at]), motif.pfm, 2 / (motif.nsites or 20))
        assert same(frequencies(jaspar_[at]), motif.pfm, 1e-4)
        assert same(frequencies(transfac[at]), motif.pfm, 1e-4)
        assert same(lite[at], motif.pfm, 2e-6)


HEAD = (
    "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"
    "Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n\n"
)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "MOTIF one ALT\nletter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0\n" + ROWS,
        HEAD + "MOTIF one ALT\nletter-probability matrix: alength=4 w=2\n" + ROWS.rstrip(),
        HEAD + "MOTIF one ALT\n\nletter-probability matrix:\n" + ROWS,
        HEAD + "MOTIF one ALT\nletter-probability matrix:\n\n" + ROWS + "URL http://example.org\n",
        "MOTIF one ALT\nletter-probability matrix: nsites= 12.5 E= 1e-3\n" + ROWS + "\n\n",
        "MEME version 4\nMOTIF\tone\tALT\nletter-probability matrix: w= 2\n " + ROWS.replace(" ", "\t"),
        (HEAD + "MOTIF one ALT\nletter-probability matrix: w= 2 E= 1e-5\n" + ROWS).replace("\n", "\r\n"),
        "MEME version 5.5\nALPHABET \"DNA\" DNA-LIKE\nA \"Adenine\" CC0000 ~ T\nEND ALPHABET\nMOTIF one ALT\n"
        "letter-probability matrix: alength= 4 w= 2\n" + ROWS,
    ],
)  # fmt: skip
def test_meme_variants(text):
    for source in (text, text.encode()):
        (motif,) = read_meme(source)
        assert (motif.name, motif.alt) == ("one", "ALT")
        assert same(motif.pfm, MATRIX[:, :2])


@pytest.mark.parametrize("header", ["letter-probability matrix:", "letter-probability matrix: w= 2"])
def test_motifs_that_touch_and_rows_that_are_rounded(header):
    rounded = "0.333 0.333 0.333 0\n0.255 0.255 0.25 0.245\n"
    text = f"MOTIF a\n{header}\n{ROWS}MOTIF b B\n{header}\n{rounded}MOTIF c\n{header}\n{ROWS}"
    motifs = read_meme(text)
    assert [motif.name for motif in motifs] == ["a", "b", "c"] and [motif.alt for motif in motifs] == [
        "",
        "B",
        "",
    ]
    assert motifs[1].pfm.sum(axis=0) == pytest.approx([1, 1])
    assert [motif.width for motif in motifs] == [2, 2, 2]


def test_full_meme_output_has_other_matrices_that_are_skipped():
    text = (
        "MEME version 5.5.7\n\nMOTIF GGAA MEME-1\twidth =   2  sites =  20\n--------\n"
        "log-odds matrix: alength= 4 w= 2 n= 3 bayes= 4\n  100  -20 -100  10\n 1 2 3 4\n--------\n"
        f"letter-probability matrix: alength= 4 w= 2 nsites= 20 E= 1.0e-3\n{ROWS}--------\n\n"
        f"MOTIF  2\twidth = 2  sites = 9\nletter-probability matrix: w= 2\n{ROWS}--------\n"
    )
    assert [(m.name, m.alt, m.nsites) for m in read_meme(text)] == [("GGAA", "MEME-1", 20), ("2", "", None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MEME version 4\n\n", "holds no motif"),
        ("MOTIF a\nletter-probability matrix: w= 3\n" + ROWS, r"line 4 .*cut off.*2 rows.*3 rows"),
        ("MOTIF a\nletter-probability matrix: w= 3\n" + ROWS + "\nMOTIF b\n", r"line 5 .*cut off"),
        ("MOTIF a\nletter-probability matrix: w= 3\n" + ROWS + "MOTIF b\n", r"line 5 .*cut off"),
        ("MOTIF a\nletter-probability matrix:\n", r"line 2 .*cut off"),
        ("MOTIF a\nletter-probability matrix: w= 1\n" + ROWS, r"line 4 .*goes on"),
        ("MOTIF a\nMOTIF b\nletter-probability matrix:\n" + ROWS, "line 1 .*motif a has no"),
        ("x\nMOTIF a\n", "line 2 .*cut off"),
        ("x\nMOTIF\n", "line 2 .*without a name"),
        ("x\nletter-probability matrix:\n" + ROWS, "line 2 .*without a MOTIF"),
        ("MOTIF a\nletter-probability matrix:\n0.5 0.5 0.5 0.5\n", "line 3 .*sum to 1"),
        ("MOTIF a\nletter-probability matrix:\n0.5 0.5 0\n", "line 3 .*four frequencies"),
        ("MOTIF a\nletter-probability matrix:\n-0.5 0.5 0.5 0.5\n", "line 3 .*four frequencies"),
        ("MOTIF a\nletter-probability matrix:\nnan 0.5 0.5 0\n", "line 3 .*four frequencies"),
        ("MOTIF a\nletter-probability matrix: w= x\n" + ROWS, "line 2 .*not a number"),
        ("MOTIF a\nletter-probability matrix: alength= 20 w= 2\n" + ROWS, "line 2 .*not DNA"),
        ("ALPHABET= ACDEFGHIKLMNPQRSTVWY\nMOTIF a\n", "line 1 .*not DNA"),
        (b"\xff\xfe\x00bin", "UTF-16"),
        (b"\xc3\x28 MEME", "not a text file"),
        (b"", "is empty"),
        ("/no/such/file.meme", "does not exist"),
    ],
)
def test_broken_meme_names_the_line(text, message):
    with pytest.raises(InputError, match=message):
        read_meme(text)


@st.composite
def meme_files(draw):
    """A MEME file as some tool might write it, and the names and matrices in it."""
    rng, end = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.sampled_from(["\n", "\r\n"]))
    header = ["MEME version 4", "ALPHABET= ACGT", "strands: + -", "Background letter frequencies (from x):",
              "A 0.3 C 0.2 G 0.2 T 0.3"]  # fmt: skip
    lines = [line for line in header if draw(st.booleans())]
    motifs, space = [], draw(st.sampled_from([" ", "  ", "\t"]))
    for i in range(draw(st.integers(1, 4))):
        name, alt = f"M{i}_1.0", draw(st.sampled_from(["", "ETS::FOX", "a-b(var.2)"]))
        pfm = np.round(rng.dirichlet([draw(st.sampled_from([0.05, 1.0]))] * 4, draw(st.integers(1, 12))), 3)
        lines += [""] * draw(st.integers(0, 2)) + [f"MOTIF{space}{name}{space}{alt}".rstrip()]
        keys = [f"alength={space}4", f"w={space}{len(pfm)}"]
        keys += [
            f"nsites= {draw(st.sampled_from(['20', '0', '12.5', 'nan', 'None']))}",
            "E= 1.2e-010",
            "n= 7",
        ]
        kept = " ".join(key for key in keys if draw(st.booleans()))
        lines += [""] * draw(st.integers(0, 1)) + [f"letter-probability matrix: {kept}".rstrip()]
        lines += [""] * draw(st.integers(0, 1))
        form = draw(st.sampled_from(["{:.3f}", "{:g}", "{:.3e}"]))
        lines += [draw(st.sampled_from(["", " "])) + space.join(map(form.format, row)) for row in pfm]
        lines += draw(st.sampled_from([[], [""], ["URL http://x.org/a"], ["", "-----", "Time 1.2 secs."]]))
        motifs.append((name, alt, pfm.T / pfm.sum(1)))
    text = end.join(lines) + end * draw(st.integers(0, 2))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig"]))), motifs


@settings(max_examples=60, deadline=None)
@given(meme_files(), st.booleans())
def test_meme_of_any_tool_is_read(file, zipped):
    raw, expected = file
    found = read_meme(gzip.compress(raw) if zipped else raw)
    assert [(m.name, m.alt) for m in found] == [(name, alt) for name, alt, _ in expected]
    assert all(same(m.pfm, pfm) for m, (_, _, pfm) in zip(found, expected, strict=True))
    assert all(m.nsites in (None, 20, 12.5) for m in found)


@settings(max_examples=40, deadline=None)
@given(meme_files(), st.floats(0, 1))
def test_a_cut_file_of_any_tool_gives_its_whole_motifs_or_a_clear_message(file, share):
    raw, expected = file
    try:
        found = read_meme(raw[: int(share * len(raw))])
    except InputError as error:
        assert re.match(
            "line [0-9]+ of the uploaded|the uploaded MEME file holds no motif|.* is empty", str(error)
        )
        return
    # A cut within the last number, or after the last whole row where no width is given, cannot be told.
    for motif, (name, _, pfm) in zip(found, expected, strict=False):
        whole = motif is not found[-1]
        assert motif.name == name if whole else name.startswith(motif.name) or motif.name == name
        assert same(motif.pfm, pfm[:, : motif.width], 1e-6 if whole else 0.02)


@settings(max_examples=40, deadline=None)
@given(
    meme_files(),
    st.integers(0, 10**6),
    st.sampled_from(["0.5 0.5 0.5 0.5", "0.2 0.2 0.2 0.2", "9 0 3 0", "1 0 0"]),
)
def test_a_row_that_is_no_distribution_is_named_by_its_line(file, pick, bad):
    lines = file[0].decode("utf-8-sig").splitlines()
    rows = [at for at, line in enumerate(lines) if len(line.split()) == 4 and line.strip()[0] in "0123456789"]
    at = rows[pick % len(rows)]
    lines[at] = bad
    with pytest.raises(InputError, match=rf"line {at + 1} of .*(sum to 1|four frequencies)"):
        read_meme("\n".join(lines) + "\n")


@pytest.mark.parametrize("row", ["0.33 0.33 0.33 0.00", "0.34 0.33 0.34 0", "0.335 0.335 0.34 0"])
def test_rows_within_a_hundredth_are_read(row):
    assert read_meme(f"MOTIF a\nletter-probability matrix:\n{row}\n")[0].pfm.sum() == pytest.approx(1)


def test_lines_that_only_begin_like_a_motif_are_not_one():
    (motif,) = read_meme("MOTIFS OF A STUDY\nMOTIF a\nletter-probability matrix:\n" + ROWS)
    assert motif.name == "a"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.integers(0, 2**32 - 1))
def test_a_cut_file_is_read_or_refused_never_a_crash(cut, seed):
    text = to_meme([Motif("a", np.random.default_rng(seed).dirichlet([1] * 4, 6).T), Motif("b", MATRIX)])
    try:
        assert read_meme(text[:cut].encode())
    except InputError as error:
        assert str(error)


def test_reading_from_a_path(tmp_path):
    path = tmp_path / "m.meme"
    path.write_text(to_meme([Motif("a", MATRIX)]))
    assert read_meme(path)[0].name == read_meme(str(path))[0].name == "a"


def test_jaspar_by_id():
    ctcf = jaspar("MA0139.2")
    assert (ctcf.name, ctcf.alt, ctcf.width, ctcf.source) == ("MA0139.2", "CTCF", 15, "JASPAR2026")
    assert ctcf.consensus == "GCCACCAGGGGGCGC" and ctcf.nsites == 913
    assert jaspar("ma0139").name == "MA0139.2"
    assert jaspar("MA0080.6").trimmed().consensus == "AAAGAGGAAGTGG"
    with pytest.raises(InputError, match="MA9999"):
        jaspar("MA9999.1")


def test_jaspar_collection_is_pyjaspars():
    from pyjaspar import jaspardb

    motifs = jaspar_collection()
    assert len(motifs) == 1019 and len({motif.name for motif in motifs}) == 1019
    database = jaspardb(release="JASPAR2026")
    for motif in motifs[::100]:
        theirs = database.fetch_motif_by_id(motif.name)
        counts = np.array([theirs.counts[base] for base in "ACGT"])
        assert theirs.name == motif.alt and same(counts / counts.sum(axis=0), motif.pfm)
        assert theirs.tax_group == "vertebrates"
    assert len(jaspar_collection(("vertebrates", "insects"))) > 1019
    for groups in (("martians",), ("vertebrates", "martians"), ()):
        with pytest.raises(InputError, match=r"taxonomic group. Found: (martians|none)"):
            jaspar_collection(groups)
