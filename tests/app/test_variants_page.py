"""The Variants page as the server builds it: edits typed and uploaded, effects, files, and what goes wrong."""

import pytest
from apprun import run, widget
from handmade import LENGTH, SITES, fasta, planted, toy_bundle

from app import services, variants_work
from app.state import Source
from app.variants_panels import Given
from argminn_core.errors import InputError
from argminn_core.variants import variant_effects
from argminn_core.vcf import Edit

TEXT = planted(("CTCF", 60))
KILL = "s:64 G>T"  # in CTCF's site CCAGCAGGGGGC at 60
VCF = b"##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def visit(app, raw=None, edits=None, *, typed=True):
    if raw is not None:
        app.session_state["source"] = Source("given.fa", raw)
    if edits is not None:
        app.session_state["variants_given"] = Given("given", edits, typed=typed)
    app.run()
    app.switch_page("../pages/variants.py")
    return run(app)


def words(elements):
    return " ".join(element.value for element in elements)


def test_the_empty_page_says_what_to_do(app):
    visit(app)
    assert "Give sequences above" in words(app.info) and not app.dataframe
    visit(app, f">s\n{TEXT}\n".encode())
    assert "Type an edit" in words(app.info)


def test_a_typed_edit_is_read(app):
    visit(app, f">s\n{TEXT}\n".encode())
    app.text_area("variants_text").input(KILL)
    run(app)
    widget(app.button, "Show the effects").click()
    run(app)
    table = app.dataframe[0].value
    assert table["sequence"].tolist() == ["s"] and table["difference"][0] < -1
    assert table["lost"][0].startswith("CTCF(+)") or table["weakened"][0].startswith("CTCF(+)")
    assert "lowers the logit by" in words(app.markdown)
    # the text is there again after another page
    app.switch_page("../pages/motifs.py")
    run(app)
    assert visit(app).text_area("variants_text").value == KILL


def test_the_example_takes_the_strongest_instance_apart(app):
    visit(app)
    widget(app.button, "Try an example").click()
    run(app)
    table = app.dataframe[0].value
    assert len(table) == 3 and app.session_state["source"].label == "examples"
    assert table["difference"].abs().is_monotonic_decreasing
    assert table["difference"].min() < -1 and (table["lost"] + table["weakened"])[0]


def test_a_vcf_is_uploaded(app):
    visit(app, f">chr1:1000-1200\n{TEXT}\n".encode())
    app.get("file_uploader")[1].upload("some.vcf", VCF + b"chr1\t1064\trs7\tG\tT,A\t.\t.\t.\n").run()
    run(app)
    table = app.dataframe[0].value
    assert table["id"].tolist() == ["rs7"] * 2 and set(table["alt"]) == {"T", "A"}
    assert table["position"].tolist() == [64, 64]


def test_what_cannot_be_read_is_listed_with_its_reason(app):
    visit(app, f">s\n{TEXT}\n".encode(), f"{KILL}\ns:64 C>T\nnonsense\n".encode())
    dropped = app.dataframe[0].value
    assert dropped["reason"].tolist() == ["not an edit", "reference mismatch"]
    assert len(app.dataframe[1].value) == 1
    visit(app, edits=b"s:64 C>T")
    assert "each is listed above" in words(app.warning) and len(app.dataframe) == 1


def test_what_is_dropped_of_the_sequences_is_listed_too(app):
    visit(app, f">s\n{TEXT}\n>s\n{TEXT}\n".encode(), KILL.encode())
    assert app.dataframe[0].value["reason"].tolist() == ["duplicate"]


@pytest.mark.parametrize(
    ("edits", "typed", "said"),
    [
        (b"hello", True, "no edit can be read"),
        (b"\0\1\2", False, "binary"),
        (b">s\nACGT\n", False, "not VCF"),
        (b"\n".join([b"s:65 A>T"] * (services.MAX_VARIANTS + 1)), True, "too many"),
    ],
)
def test_bad_input_is_answered_in_words(app, edits, typed, said):
    visit(app, f">s\n{TEXT}\n".encode(), edits, typed=typed)
    assert said in words(app.error).lower() or said in words(app.error)
    assert not app.dataframe


def test_sequences_that_are_none_are_answered_in_words(app):
    visit(app, b"nothing", KILL.encode())
    assert "is not FASTA" in words(app.error)


def test_both_alleles_lie_on_common_columns():
    model, sequences = (
        toy_bundle(),
        services.read_now(toy_bundle(), f">s\n{TEXT}\n".encode()).windows.sequences,
    )
    edits = [Edit("s", 11, TEXT[10:14], TEXT[10]), Edit("s", 11, TEXT[10], TEXT[10] + "ACG")]
    found = variant_effects(model, sequences, edits)
    ref, alt = variants_work.alleles(model, found, 0)
    assert alt.letters[10:15] == TEXT[10] + "---" + TEXT[14] and ref.letters == TEXT[: len(ref.letters)]
    # the site behind a deletion is drawn where it was
    assert ref.instances["start0"].tolist() == alt.instances["start0"].tolist() == [60]
    assert max(end for row in alt.rows["motifs"] for _, end, _ in row["runs"]) <= LENGTH
    ref, alt = variants_work.alleles(model, found, 1)
    assert (
        ref.letters[10:15] == TEXT[10] + "---" + TEXT[11] and len(ref.letters) == len(alt.letters) == LENGTH
    )
    assert ref.instances["start0"].tolist() == alt.instances["start0"].tolist() == [63]
    assert ref.track["most"] == alt.track["most"] >= max(ref.track["value"] + alt.track["value"])


def test_rows_that_do_not_differ_are_left_out():
    model, sequences = (
        toy_bundle(),
        services.read_now(toy_bundle(), f">s\n{TEXT}\n".encode()).windows.sequences,
    )
    found = variant_effects(model, sequences, [Edit("s", 64, "G", "T")])
    ref, alt = variants_work.alleles(model, found, 0)
    assert (
        len(ref.rows["heads"])
        == len(alt.rows["heads"])
        < model.model.config.layers * model.model.config.heads
    )
    assert "CTCF" in [row["name"] for row in ref.rows["motifs"]]


def test_edits_to_try_need_an_instance():
    text = "A" * LENGTH
    with pytest.raises(InputError, match="no motif instance"):
        variants_work.example_edits(toy_bundle(), services.read_now(toy_bundle(), f">s\n{text}\n".encode()))
    lines = variants_work.example_edits(toy_bundle(), services.read_now(toy_bundle(), fasta(4))).splitlines()
    at = int(lines[0].rpartition(":")[2].split()[0]) - 1
    assert any(start <= at < start + len(SITES["CTCF"]) for start in (60, 100))
