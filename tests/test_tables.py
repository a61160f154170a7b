import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argminn_core.errors import InputError
from argminn_core.tables import DROPPED, INSTANCES, MOTIFS, PLACEMENTS, PREDICTIONS, REGIONS, Table

TABLES = [PLACEMENTS, INSTANCES, PREDICTIONS, DROPPED, MOTIFS, REGIONS]
# Text as it comes in names and details: anything printable, # and quotes included.
words = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f\x85"), max_size=8
)
values = {
    "text": words,
    "strand": st.sampled_from("+-"),
    "int": st.integers(-(2**40), 2**40),
    "float": st.floats(-1e6, 1e6).map(lambda x: float(f"{x:.6g}")),
    "bool": st.booleans(),
}


def rows_of(table: Table) -> st.SearchStrategy:
    return st.lists(st.fixed_dictionaries({k: values[v] for k, v in table.kinds.items()}), max_size=4)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_survives_its_file(table):
    @settings(max_examples=20, deadline=None)
    @given(rows_of(table))
    def check(rows):
        frame = table.frame(pd.DataFrame(rows, columns=list(table.kinds)))
        pd.testing.assert_frame_equal(table.read(table.to_tsv(frame).encode()), frame)

    check()


def one(**changes) -> pd.DataFrame:
    row = {"sequence": "s", "start0": 3, "end0": 9, "motif": "REST#1", "strand": "+"}
    return pd.DataFrame([row | changes])


def test_known_columns_come_first_and_others_follow():
    frame = PLACEMENTS.check(
        one(note="mine", score=2)[["note", "score", "strand", "motif", "end0", "start0", "sequence"]]
    )
    assert list(frame) == ["sequence", "start0", "end0", "motif", "strand", "score", "note"]
    assert frame["score"].dtype == np.float64


def test_empty_tables_keep_their_columns():
    for frame in (DROPPED.empty(), DROPPED.frame([]), DROPPED.frame({})):
        assert list(frame) == ["record", "reason", "detail"]
    assert REGIONS.empty()["start0"].dtype == np.int64


def test_comments_stand_above_the_header_and_names_may_hold_a_hash(tmp_path):
    path = tmp_path / "t.tsv"
    PLACEMENTS.write(one(sequence="#1"), path)
    path.write_text("# 0-based, half-open\n" + path.read_text())
    assert PLACEMENTS.read(path)["motif"].tolist() == ["REST#1"]
    assert PLACEMENTS.read(path)["sequence"].tolist() == ["#1"]
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert PLACEMENTS.read(packed)["motif"].tolist() == ["REST#1"]


def test_windows_line_ends():
    text = PLACEMENTS.to_tsv(one()).replace("\n", "\r\n").encode()
    assert PLACEMENTS.read(text)["strand"].tolist() == ["+"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strand": "*"}, "row 1 of the placements table has no strand. Found: '\\*'. Expected: \\+ or -"),
        (
            {"start0": 1.5},
            "column start0 of the placements table .* not of kind int. Found: 1.5 is not a whole",
        ),
        ({"start0": float("nan")}, "column start0"),
        ({"end0": "nine"}, "column end0 .* 'nine'"),
        ({"score": "high"}, "column score .* not of kind float"),
    ],
)
def test_a_wrong_value_is_named(changes, message):
    with pytest.raises(InputError, match=message):
        PLACEMENTS.check(one(**changes))


def test_only_words_for_true_and_false_are_truth_values():
    motifs = {name: [1] for name in MOTIFS.columns}
    for word, truth in {"True": True, "false": False, 1: True, 0: False}.items():
        assert MOTIFS.frame(motifs | {"counts": [word]})["counts"].tolist() == [truth]
    with pytest.raises(InputError, match=r"column counts .*'perhaps' is neither true nor false"):
        MOTIFS.frame(motifs | {"counts": ["perhaps"]})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the uploaded table is not a tab-separated table"),
        (b"sequence,start0\ns,1\n", "lacks the columns .*Write a tab-separated file"),
        (b"record\treason\n", "lacks the column detail. Found: record, reason"),
        (b"record\treason\tdetail\n1\t2\t3\t4\n", "more columns than its first line names"),
        (b"record\treason\tdetail\n1\t2\t3\n1\t2\t3\t4\n", "is not a tab-separated table"),
        (b"\xff\xfe\x00", "is not a tab-separated table"),
        (gzip.compress(b"record\treason\tdetail\n", mtime=0)[:-9], "cannot be read"),
    ],
)
def test_what_is_not_the_table(content, message):
    with pytest.raises(InputError, match=message):
        DROPPED.read(content)


def test_missing_paths_and_folders(tmp_path):
    with pytest.raises(InputError, match=r"no.tsv does not exist. Check the path"):
        DROPPED.read(tmp_path / "no.tsv")
    with pytest.raises(InputError, match="cannot be read"):
        DROPPED.read(tmp_path)
