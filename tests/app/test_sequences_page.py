"""The Sequences page as the server builds it: filters, downloads, ghosts, regions on a genome."""

import numpy as np
import pandas as pd
import pytest
from handmade import LENGTH, SITES, fasta, planted, toy_bundle

from app import genomes, sequence_table, services
from app.sequence_table import Filter
from argminn_core.errors import InputError
from argminn_core.fasta import read_fasta
from argminn_core.predict import predict
from argminn_core.tables import INSTANCES


def give(app, raw, dropped=None):
    from app.state import Source

    app.session_state["source"] = Source("given.fa", raw, dropped)
    app.run()
    app.switch_page("../pages/sequences.py").run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def table(app):
    return app.dataframe[0].value


def widget(kind, label):
    return next(one for one in kind if one.label == label)


@pytest.fixture
def reading():
    return services.read_now(toy_bundle(), fasta(8))


def test_the_widest_filter_lets_every_row_pass(reading):
    np.testing.assert_array_equal(Filter().rows(reading), np.arange(8))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(text="SEQ_00003"), {"seq_00003"}),
        (Filter(text="("), set()),  # letters, not a pattern
        (Filter(motifs=("CTCF", "SPI1")), {"seq_00001", "seq_00003", "seq_00005", "seq_00007"}),
        (Filter(text="0", motifs=("CTCF",), logit=(-100, -50)), set()),
    ],
)
def test_filters_keep_the_rows_that_pass_all_of_them(reading, wanted, expected):
    assert set(reading.table["sequence"].iloc[wanted.rows(reading)]) == expected


def test_only_with_an_instance_is_what_the_table_counts(reading):
    rows = Filter(with_instance=True).rows(reading)
    assert (reading.table["instances"].iloc[rows] > 0).all()
    assert len(rows) == (reading.table["instances"] > 0).sum() < 8


def test_a_range_of_logits_keeps_what_lies_in_it(reading):
    low = float(reading.table["logit"].iloc[3])
    rows = Filter(logit=(low, 1e3)).rows(reading)
    np.testing.assert_array_equal(rows, np.arange(4))


def test_filters_have_keys_of_their_own():
    assert len({Filter().key, Filter(text="a").key, Filter(motifs=("a",)).key}) == 3


def test_the_page_filters_by_name_and_says_so(app):
    give(app, fasta(6))
    widget(app.text_input, "Name contains").set_value("00003").run()
    assert list(table(app)["sequence"]) == ["seq_00003"]
    assert any("of 6 pass the filter" in text.value for text in app.markdown)
    widget(app.text_input, "Name contains").set_value("nothing").run()
    assert any("No window passes" in text.value for text in app.info)


def files(monkeypatch, reading, rows):
    """What each download button would hold."""
    made = {}
    monkeypatch.setattr(
        sequence_table.st,
        "download_button",
        lambda label, data, name, **_: made.update({label: (data(), name)}),
    )
    sequence_table.downloads(toy_bundle(), reading, np.asarray(rows), stem="mine")
    return made


def test_downloads_hold_the_rows_that_are_shown(monkeypatch, reading):
    rows = Filter(text="seq_00003").rows(reading)
    made = files(monkeypatch, reading, rows)
    assert made["Predictions (TSV)"][0].count("\n") == 2
    records, _ = read_fasta(made["Sequences (FASTA)"][0].encode())
    assert records.names == ["seq_00003"] and len(records.text(0)) == LENGTH
    gff, name = made["Instances (GFF3)"]
    assert name == "mine_instances.gff3" and "seq_00003\targminn\tnucleotide_motif\t61\t72" in gff
    assert "seq_00001" not in gff + made["Instances (BED)"][0] + made["Instances (TSV)"][0]
    sites = INSTANCES.read(made["Probable sites (TSV)"][0].encode())
    assert set(sites["sequence"]) == {"seq_00003"} and 60 in sites["start0"].tolist()
    assert sites["probability"].between(0.5, 1).all()


def test_all_rows_hold_every_instance(monkeypatch, reading):
    made = files(monkeypatch, reading, np.arange(8))
    assert made["Instances (BED)"][0].count("\n") == len(reading.instances)


def test_what_a_place_is_worth_is_what_a_forward_pass_without_it_says(reading):
    model = toy_bundle()
    track = services.worth(model, reading, 0)
    text, _ = reading.letters(0)
    at = track["start"].index(60)
    masked = text[:60] + "N" * track["width"] + text[60 + track["width"] :]
    sequences, _ = read_fasta(f">a\n{text}\n>b\n{masked}\n".encode())
    logits = predict(model.model, sequences.codes.reshape(2, -1))
    assert track["value"][at] == pytest.approx(logits[0] - logits[1], abs=2e-3)


def test_the_worth_of_a_short_record_stays_inside_it():
    reading = services.read_now(toy_bundle(), f">s\n{planted(('SPI1', 20), length=60)}\n".encode())
    track = services.worth(toy_bundle(), reading, 0)
    assert min(track["start"]) == 0 and max(track["start"]) + track["width"] <= 60
    assert track["start"][int(np.argmax(track["value"]))] == pytest.approx(20, abs=6)  # over the site


def test_ignored_matches_are_those_that_were_not_called(reading):
    called = reading.table.index[reading.table["sequence"] == "seq_00001"][0]
    found = services.ignored(toy_bundle(), reading, int(called))
    places = {(row.motif, row.start0) for row in reading.instances_of(int(called)).itertuples()}
    assert not {(row.motif, row.start0) for row in found.itertuples()} & places


def test_ghosts_can_be_asked_for(app):
    give(app, fasta(6))
    widget(app.toggle, "Ignored matches").set_value(True).run()
    assert not app.exception


# --- regions on a genome


@pytest.fixture
def genome(home, monkeypatch):
    folder = home / "genomes"
    folder.mkdir()
    letters = planted(("CTCF", 600), length=2000)
    (folder / "tiny.fa").write_text(f">chr1\n{letters}\n")
    (folder / "notes.txt").write_text("no genome")
    monkeypatch.setenv(genomes.VARIABLE, str(folder))
    return letters


def test_without_the_variable_the_page_says_how(app):
    app.run()
    app.switch_page("../pages/sequences.py").run()
    assert any(genomes.VARIABLE in text.value for text in app.caption)


def test_only_fasta_files_of_the_folder_are_offered(genome):
    assert list(genomes.genomes()) == ["tiny.fa"]
    with pytest.raises(InputError, match="no genome"):
        genomes.regions_as_fasta(b"chr1\t0\t10\n", "../toy.safetensors", length=LENGTH, most=10)


def test_regions_become_windows_named_by_their_place(genome):
    raw, lost = genomes.regions_as_fasta(
        b"chr1\t590\t622\tpeak\nchr1\t1990\t1999\nchr9\t5\t9\n", "tiny.fa", length=LENGTH, most=10
    )
    sequences, _ = read_fasta(raw)
    assert sequences.names == ["chr1:506-706"] and sequences.headers == ["chr1:506-706 peak"]
    assert sequences.text(0) == genome[506:706] and SITES["CTCF"] in sequences.text(0)
    assert list(lost["reason"]) == ["off the chromosome end", "chromosome not in genome"]


@pytest.mark.parametrize(
    ("bed", "words"),
    [
        (b"chr9\t5\t9\n", "no region could be read"),
        (b"chr1\t5\t9\nchr1\t7\t9\n", "too many"),
        (b">a\nACGT\n", "FASTA"),
    ],
)
def test_bad_regions_are_answered_in_words(genome, bed, words):
    with pytest.raises(InputError, match=words):
        genomes.regions_as_fasta(bed, "tiny.fa", length=LENGTH, most=1)


def test_regions_are_read_from_the_page(app, genome):
    app.run()
    app.switch_page("../pages/sequences.py").run()
    uploader = next(one for one in app.get("file_uploader") if "BED" in one.label)
    uploader.upload("mine.bed", b"chr1\t590\t622\nchr9\t5\t9\n").run()
    widget(app.button, "Read the regions").click().run()
    assert not app.exception and not app.error
    dropped, predictions = app.dataframe[0].value, app.dataframe[1].value
    assert list(dropped["reason"]) == ["chromosome not in genome"]
    assert list(predictions["sequence"]) == ["chr1:506-706"] and predictions["motifs"].iloc[0] == "CTCF(+)"


def test_what_was_lost_on_the_way_to_fasta_is_listed(app):
    lost = pd.DataFrame({"record": ["r"], "reason": ["too many N"], "detail": ["chr1:1-2"]})
    give(app, fasta(4), lost)
    assert list(app.dataframe[0].value["record"]) == ["r"]
