import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argminn_core import design
from argminn_core.dna import decode, encode
from argminn_core.errors import ArgminnError, InputError
from argminn_core.fasta import write_fasta
from argminn_core.tables import INSTANCES, PLACEMENTS


def pfm(consensus: str, *, high: float = 0.85) -> np.ndarray:
    matrix = np.full((4, len(consensus)), (1 - high) / 3)
    matrix[encode(consensus), np.arange(len(consensus))] = high
    return matrix


MOTIFS = {"left": pfm("GATTACA"), "right": pfm("CCGGT")}
BACKGROUND = design.background(60, seed=0)


def placed(*rows) -> pd.DataFrame:
    names = ["sequence", "motif", "start0", "end0", "strand", "site"]
    return PLACEMENTS.frame([dict(zip(names, ("s", *row), strict=False)) for row in rows])


# --- writing ---


def test_typed_wishes_become_placements_as_wide_as_their_motifs():
    made = design.parse_wishes(["left@10+", " left@30- ", "left@50"], MOTIFS, name="d")
    width = MOTIFS["left"].shape[1]
    assert made.to_numpy().tolist() == [
        ["d", start, start + width, "left", strand] for start, strand in [(10, "+"), (30, "-"), (50, "+")]
    ]
    pfm = {"A::B@2": MOTIFS["left"]}
    assert design.parse_wishes(["A::B@2@7-"], pfm, name="d")["motif"].tolist() == ["A::B@2"]


@pytest.mark.parametrize("wish", ["left", "left@", "left@-3", "left@x", "@5+", "nobody@5+", "left@5*", ""])
def test_a_wish_that_cannot_be_met_says_why(wish):
    with pytest.raises(InputError, match=r"placement cannot be read|no motif of that name"):
        design.parse_wishes([wish], MOTIFS, name="d")


def test_background_follows_gc_and_seed():
    assert design.background(5000, gc=0.3, seed=1).dtype == np.uint8
    assert design.gc_content(design.background(5000, gc=0.3, seed=1)) == pytest.approx(0.3, abs=0.02)
    assert (design.background(50, seed=1) == design.background(50, seed=1)).all()
    assert (design.background(50, seed=1) != design.background(50, seed=2)).any()
    assert set(decode(design.background(50, gc=1, seed=0))) == {"C", "G"}
    for length, gc in [(0, 0.5), (10, -0.1), (10, 1.1), (10, float("nan"))]:
        with pytest.raises(InputError):
            design.background(length, gc=gc, seed=0)


def test_both_strands_are_written_and_sites_read_on_their_own():
    made = design.render(placed(("left", 10, 17, "+"), ("left", 30, 37, "-")), BACKGROUND, MOTIFS)
    assert made.text[10:17] == "GATTACA"
    assert made.text[30:37] == "TGTAATC"
    assert made.placements["site"].tolist() == ["GATTACA", "GATTACA"]
    assert made.damaged == []
    untouched = np.r_[0:10, 17:30, 37:60]
    assert (made.codes[untouched] == BACKGROUND[untouched]).all()


def test_no_placements_leave_the_background_alone():
    made = design.render(PLACEMENTS.empty(), BACKGROUND, MOTIFS)
    assert (made.codes == BACKGROUND).all() and made.codes is not BACKGROUND
    assert made.damaged == [] and list(made.placements["site"]) == []


def test_typed_letters_win_over_the_motif_and_need_no_motif():
    made = design.render(placed(("left", 0, 4, "-", "aacg"), ("new", 5, 7, "+", "TT")), BACKGROUND, MOTIFS)
    assert made.text[:4] == "CGTT" and made.text[5:7] == "TT"
    assert made.placements["site"].tolist() == ["AACG", "TT"]


def test_later_placement_wins_and_the_earlier_is_damaged():
    made = design.render(placed(("left", 10, 17, "+"), ("right", 14, 19, "+")), BACKGROUND, MOTIFS)
    assert made.text[10:19] == "GATTCCGGT"
    assert made.damaged == [0]


def test_an_overlap_that_writes_the_same_letters_does_no_damage():
    made = design.render(placed(("left", 10, 17, "+"), ("x", 16, 18, "+", "AC")), BACKGROUND, MOTIFS)
    assert made.damaged == []


def test_samples_follow_the_motif_and_ignore_moves_of_the_others():
    first = design.render(
        placed(("left", 0, 7, "+"), ("right", 9, 14, "+")), BACKGROUND, MOTIFS, mode="sample", seed=3
    )
    moved = design.render(
        placed(("left", 20, 27, "-"), ("right", 9, 14, "+")), BACKGROUND, MOTIFS, mode="sample", seed=3
    )
    assert first.placements["site"].tolist() == moved.placements["site"].tolist()
    wide = {"m": np.tile([[0.7], [0.3], [0], [0]], 4000)}
    codes = design.render(
        placed(("m", 0, 4000, "+")), design.background(4000, seed=0), wide, mode="sample", seed=0
    ).codes
    assert set(codes) == {0, 1} and (codes == 0).mean() == pytest.approx(0.7, abs=0.03)
    with pytest.raises(InputError, match="seed"):
        design.render(placed(("left", 0, 7, "+")), BACKGROUND, MOTIFS, mode="sample")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("left", 55, 62, "+"), "outside"),
        (("left", -1, 6, "+"), "outside"),
        (("left", 9, 9, "+"), "outside"),
        (("none such", 5, 12, "+"), "not known"),
        (("left", 5, 11, "+"), "7 letters in the motif"),
        (("left", 5, 12, "+", "GAT"), "3 letters, GAT"),
        (("left", 5, 8, "+", "GXT"), "column 2"),
    ],
)
def test_a_placement_that_cannot_be_written_is_named(row, says):
    with pytest.raises(InputError, match="row 2 of the placements") as caught:
        design.render(placed(("right", 0, 5, "+"), row), BACKGROUND, MOTIFS)
    assert says in str(caught.value)


def test_render_all_gives_each_background_its_own_placements():
    frame = placed(("left", 0, 7, "+"), ("right", 10, 15, "+"))
    frame["sequence"] = ["a", "b"]
    made = design.render_all(frame, {"b": BACKGROUND, "a": BACKGROUND, "c": BACKGROUND}, MOTIFS)
    assert list(made) == ["b", "a", "c"]
    assert made["a"].text[:7] == "GATTACA" and made["b"].text[10:15] == "CCGGT"
    assert made["c"].text == decode(BACKGROUND)
    assert list(design.render_all(frame, BACKGROUND, MOTIFS)) == ["a", "b"]
    with pytest.raises(InputError, match=r"row 2 .*'b'"):
        design.render_all(frame, {"a": BACKGROUND}, MOTIFS)
    frame.loc[1, "end0"] = 99
    with pytest.raises(InputError, match="row 2 of the placements"):
        design.render_all(frame, BACKGROUND, MOTIFS)


# --- headers ---


def test_header_reads_as_documented():
    frame = placed(("REST_left", 241, 250, "+"), ("REST_right", 250, 261, "+"))
    header = design.design_header("design_01", model="rest", logit=4.214, placements=frame)
    assert header == ">design_01 model=rest logit=4.21 motifs=REST_left:241-250(+),REST_right:250-261(+)"


spans = st.tuples(st.integers(0, 10**9), st.integers(1, 10**6)).map(lambda pair: (pair[0], sum(pair)))
rows = st.lists(st.tuples(st.text(max_size=12), spans, st.sampled_from("+-")), max_size=6)


@given(name=st.text(min_size=1, max_size=12), model=st.text(max_size=12), logit=st.floats(), rows=rows)
def test_header_round_trip(name, model, logit, rows):
    frame = PLACEMENTS.frame(
        [{"sequence": name, "motif": m, "start0": s, "end0": e, "strand": d} for m, (s, e), d in rows]
    )
    header = design.design_header(name, model=model, logit=logit, placements=frame)
    assert len(header.splitlines()) == 1
    again, parsed = design.parse_design_header(header)
    assert again == name
    pd.testing.assert_frame_equal(parsed, frame)


def test_other_headers_have_no_placements():
    for header in (">chr1:100-600 some text", "chr1:100-600", ">chr1:100-600 motifs="):
        name, frame = design.parse_design_header(header)
        assert name == "chr1:100-600" and frame.empty and list(frame) == list(PLACEMENTS.columns)


@pytest.mark.parametrize(
    "header",
    [
        "", ">", ">  ", ">a motifs=b", ">a motifs=b:1-2", ">a motifs=b:2-1(+)", ">a motifs=b:1-2(*)",
        ">a motifs=,",        ">a motifs=b:-1-2(+)", ">a motifs=b:1-2(+),", f">a motifs=b:1-{'9' * 5000}(+)",
        ">a motifs=b:1-2(+) motifs=",        ">a motifs=b:١-٢(+)",
    ],
)  # fmt: skip
def test_a_broken_header_is_an_input_error(header):
    with pytest.raises(InputError):
        design.parse_design_header(header)


@given(st.text() | st.text(alphabet=">motifs=ab:12-9(+), %\t\n\x00"))
def test_any_header_parses_or_is_an_input_error(text):
    try:
        design.parse_design_header(text)
    except ArgminnError as error:
        assert len(str(error)) < 2000


@pytest.mark.parametrize("mode", ["consensus", "sample"])
def test_an_exported_design_opens_again(mode):
    frame = placed(("left", 10, 17, "+"), ("right", 14, 19, "-"), ("left", 40, 47, "-"))
    made = design.render(frame, BACKGROUND, MOTIFS, mode=mode, seed=1)
    header = design.design_header("d", model="m", logit=0.0, placements=made.placements)
    name, below, again = design.reopen(header, made.text)
    assert name == "d"
    columns = ["motif", "start0", "end0", "strand"]
    pd.testing.assert_frame_equal(again[columns], made.placements[columns])
    assert design.render(again, below, MOTIFS).text == made.text
    elsewhere = design.render(again.assign(start0=[20, 25, 50], end0=[27, 30, 57]), below, MOTIFS)
    assert elsewhere.text[40:47] != made.text[40:47]
    with pytest.raises(InputError, match="beyond the end"):
        design.reopen(header, made.text[:30])


@pytest.mark.parametrize("width", [7, 60, None])
def test_other_readers_see_the_same_design(width, tmp_path):
    from Bio import SeqIO
    from pyfaidx import Fasta

    frame = placed(("left", 10, 17, "+"), ("left", 40, 47, "-"))
    made = design.render(frame, BACKGROUND, MOTIFS)
    header = design.design_header("d1", model="m", logit=0.5, placements=made.placements).removeprefix(">")
    write_fasta(
        [(header, made.text), ("d2 empty of motifs", decode(BACKGROUND))], tmp_path / "d.fa", width=width
    )
    letters = Fasta(str(tmp_path / "d.fa"))
    assert list(letters.keys()) == ["d1", "d2"] and letters["d1"].long_name == header
    spans = [letters["d1"][row.start0 : row.end0] for row in frame.itertuples()]
    assert [str(spans[0]), str(spans[1].reverse.complement)] == ["GATTACA", "GATTACA"]
    records = list(SeqIO.parse(tmp_path / "d.fa", "fasta"))
    assert next((r.id, r.description, str(r.seq)) for r in records) == ("d1", header, made.text)


# --- compare ---


def called(*rows) -> pd.DataFrame:
    names = ["motif", "start0", "end0", "strand", "contribution"]
    base = {"sequence": "s", "attention": 0.5, "activation": 1.0}
    return INSTANCES.frame([base | dict(zip(names, row, strict=True)) for row in rows])


def test_compare_joins_on_half_an_overlap():
    frame = placed(("left", 10, 18, "+"), ("right", 30, 36, "+"), ("left", 50, 58, "-"))
    instances = called(
        ("left", 14, 22, "+", 1.0),  # half of 8: read
        ("right", 34, 40, "+", 2.0),  # 2 of 6: not enough
        ("left", 50, 70, "+", 3.0),  # half of the shorter one, other strand: read
        ("other", 50, 58, "+", 4.0),  # another motif
    )
    found = design.compare(frame, instances)
    assert list(found.read.index) == [0, 2]
    assert list(found.unread["motif"]) == ["right"]
    assert list(found.accidental["contribution"]) == [2.0, 4.0]


def test_compare_of_nothing():
    frame, instances = placed(("left", 10, 18, "+")), called(("left", 10, 18, "+", 1.0))
    assert len(design.compare(PLACEMENTS.empty(), instances).accidental) == 1
    assert len(design.compare(frame, INSTANCES.empty()).unread) == 1
    assert all(part.empty for part in design.compare(PLACEMENTS.empty(), INSTANCES.empty()))
    elsewhere = design.compare(frame.assign(sequence="t"), instances)
    assert len(elsewhere.unread) == len(elsewhere.accidental) == 1


def test_what_nobody_placed_is_at_a_seam_or_in_the_background():
    frame = placed(("left", 10, 18, "+"))
    instances = called(
        ("left", 10, 18, "+", 1.0),
        ("other", 17, 25, "+", 1.0),  # shares one base with the placement
        ("other", 18, 26, "+", 1.0),  # begins where it ends
    )
    accidental = design.compare(frame, instances).accidental.index
    assert design.origins(frame, instances, accidental) == ["placed", "seam", "background"]
    assert design.origins(PLACEMENTS.empty(), instances, instances.index) == ["background"] * 3
