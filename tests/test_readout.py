"""Motifs read from filters, against windows collected one by one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from toy import LEAD, SITE, background, detector, learned, plant, random_codes, tiny_bundle

from argminn_core import dna, readout
from argminn_core.pfm import information
from argminn_core.readout import learn_motifs, motif_table, name_motifs
from argminn_core.tables import MOTIFS


def naive(model, codes, share=0.5):
    """For every filter: base counts and number of the windows, the best of a sequence, above `share` of its largest
    activation, then the largest and the mean positive activation."""
    config = model.config
    weights, biases = model.scanner.weight.double().numpy(), model.scanner.bias.double().numpy()
    found = []
    for weight, bias in zip(weights, biases, strict=True):
        best, every = [], []
        for row in codes:
            acts, windows = [], []
            for turned in (False, True)[: 2 if config.strands == "both" else 1]:
                for p in range(config.positions):
                    window = row[p : p + config.width]
                    read = dna.reverse_complement_codes(window) if turned else window
                    known = [(base, j) for j, base in enumerate(read) if base < 4]
                    acts.append(max(sum(weight[base, j] for base, j in known) + bias, 0))
                    windows.append(read)
            best.append((max(acts), windows[acts.index(max(acts))]))
            every += acts
        acts = np.array(every)
        kept = [w for a, w in best if a > share * acts.max() and (w < 4).all()]
        counts = np.zeros((4, config.width))
        for window in kept:
            counts[window, np.arange(config.width)] += 1
        found.append((counts, len(kept), acts.max(), acts[acts > 0].mean() if acts.any() else 0))
    return found


@pytest.mark.parametrize("strands", ["both", "single"])
@pytest.mark.parametrize("batch", [3, 256])
def test_windows_are_those_of_the_definition(strands, batch):
    model = tiny_bundle(strands=strands).model
    # Quarters, so that sums are exact and the limit is not a matter of rounding.
    with torch.no_grad():
        model.scanner.weight.copy_((model.scanner.weight * 8).round() / 8)
        model.scanner.bias.copy_((model.scanner.bias * 8).round() / 8)
    codes = random_codes(10, 30)
    codes[0, 10:13], codes[3] = dna.N_CODE, dna.N_CODE
    motifs = learn_motifs(model, codes, batch=batch)
    assert [m.filter for m in motifs] == [0, 1, 2] and [m.name for m in motifs] == [
        "motif_01",
        "motif_02",
        "motif_03",
    ]
    for motif, (counts, number, most, mean) in zip(motifs, naive(model, codes), strict=True):
        assert motif.windows == number > 0
        np.testing.assert_allclose(motif.pfm, counts / number)
        assert motif.max_activation == pytest.approx(most) and motif.threshold == pytest.approx(mean)


def planted_codes(n, strands="+-"):
    """Backgrounds with SITE at 30, on one strand after the other; a neighbour of it is always A."""
    texts = []
    for i in range(n):
        text = plant(background(60, seed=i), "A" + SITE, 29)
        texts.append(text if strands[i % len(strands)] == "+" else dna.reverse_complement(text))
    return dna.encode_all(texts)


def test_a_filter_made_by_hand_gives_its_motif_back_from_either_strand():
    site, lead, dead = learn_motifs(detector().model, planted_codes(40))
    # columns 0 to 4 lie left of the site: anything, then the A
    assert site.windows == 40 and site.max_activation == pytest.approx(1)
    assert site.core[1] == 12 and site.motif.consensus.endswith("A" + SITE)
    np.testing.assert_array_equal(site.pfm[:, 3:].argmax(0), dna.encode("A" + SITE))
    assert (site.pfm[:, 3:].max(0) == 1).all() and site.counts and site.note == ""
    assert lead.windows > 0 and (lead.pfm[dna.encode(LEAD), range(4)] == 1).all()
    assert dead.windows == 0 and dead.core == (0, 0) and not dead.counts
    assert dead.note == "never active in the reference set" and (dead.pfm == 0.25).all()
    assert (dead.max_activation, dead.threshold) == (0, 0)


def test_untied_filters_read_one_strand():
    model = detector(strands="single").model
    assert learn_motifs(model, planted_codes(12, "+"))[0].windows == 12
    assert learn_motifs(model, planted_codes(12, "-"))[0].windows == 0
    assert learn_motifs(model, planted_codes(12, "+-"))[0].windows == 6


def test_few_windows_are_said_to_be_few():
    model = detector().model
    few, many = (learn_motifs(model, planted_codes(n))[0] for n in (9, 10))
    assert few.note == "only 9 windows" and not few.counts
    assert many.note == "" and many.counts and readout.FEW_WINDOWS == 10


def test_windows_with_n_are_skipped():
    codes = planted_codes(12, "+")
    codes[:4, 27] = dna.N_CODE  # column 1 of the filter, which it does not read
    motif = learn_motifs(detector().model, codes)[0]
    assert motif.windows == 8 and motif.max_activation == pytest.approx(1)


def test_no_reference_is_no_motif():
    motifs = learn_motifs(detector().model, np.zeros((0, 60), dtype=np.uint8))
    assert [m.windows for m in motifs] == [0, 0, 0] and not any(m.counts for m in motifs)


def test_the_table_has_a_row_for_each_filter():
    frame = motif_table(learn_motifs(detector().model, planted_codes(12)))
    assert list(frame) == list(MOTIFS.kinds)[:-2] and list(frame["filter"]) == [0, 1, 2]
    assert frame["consensus"][0].endswith(SITE) and frame["consensus"][2] == ""
    assert frame["information"][0] >= 16 and frame["information"][2] == 0
    assert list(motif_table([])) == list(MOTIFS.columns)


def test_a_model_is_renamed_after_another_database(monkeypatch):
    bundle = tiny_bundle()
    bundle.card["confidence"] = {"motif_03": 0.5}
    bundle.motifs[1] = replace(bundle.motifs[1], counts=False, match="MA1.1", match_name="OLD", name="OLD")
    bundle.motifs[2] = replace(bundle.motifs[2], match="MA2.1", match_name="GONE")

    def annotate(motifs, *, database, groups):
        assert [m.name for m in motifs] == ["motif_01", "motif_03"] and groups == ["plants"]
        rows = {"motif": ["motif_01", "motif_03"], "match": ["", "P1"], "match_name": ["", "LEAFY"]}
        more = {"q_value": [np.nan, 0.01], "offset": [0, -2], "strand": ["", "-"], "width": [0, 9]}
        return pd.DataFrame(rows | more)

    monkeypatch.setattr(readout, "annotate", annotate)
    new, matches = readout.renamed(bundle, groups=["plants"])
    assert [m.name for m in new.motifs] == ["motif_01", "motif_02", "LEAFY"] and new.model is bundle.model
    assert [m.match for m in new.motifs] == ["", "", "P1"] and new.card["confidence"] == {"LEAFY": 0.5}
    assert [m.name for m in bundle.motifs] == ["motif_01", "OLD", "motif_03"]
    table = motif_table(new.motifs, matches)
    assert table["match_offset"].tolist() == [0, 0, -2] and table["match_strand"].tolist() == ["", "", "-"]
    assert MOTIFS.read(MOTIFS.to_tsv(table).encode())["match_offset"].tolist() == [0, 0, -2]


def test_motifs_are_named_after_their_match():
    motifs = [learned(f"motif_{f + 1:02d}", f, np.full((4, 6), 0.25)) for f in range(4)]
    matches = pd.DataFrame(
        {
            "motif": ["motif_01", "motif_02", "motif_04"],
            "match": ["MA0138.3", "MA0138.3", ""],
            "match_name": ["REST", "REST", ""],
            "q_value": [0.001, 0.01, np.nan],
            "offset": [0, 13, 0],  # of 20 columns
            "strand": ["+", "+", ""],
            "width": [20, 20, 0],
        }
    )
    named = name_motifs(motifs, matches)
    assert [m.name for m in named[:2]] == ["REST_left", "REST_right"]
    assert [m.match for m in named] == ["MA0138.3", "MA0138.3", "", ""] and named[1].q_value == 0.01
    assert [m.name for m in named[2:]] == ["motif_03", "motif_04"]
    alone = name_motifs(motifs, matches[1:])
    assert [m.name for m in alone] == ["motif_01", "REST", "motif_03", "motif_04"]


def column(bits):
    """A column of so many bits, nearly."""
    levels = np.linspace(0.25, 1, 20_001)
    columns = np.stack([levels, *[(1 - levels) / 3] * 3])
    return columns[:, np.abs(information(columns) - bits).argmin()]


@pytest.mark.parametrize(
    ("bits", "core"),
    [
        ([0.1, 1.5, 0.0, 1.2, 0.1], (1, 4)),  # a flat column within stays
        ([1.5, 1.5, 0.04, 0.22], (0, 2)),  # one that just reaches it does not save a flat one
        ([1.5, 0.1, 0.4, 1.5], (0, 4)),
        ([0.25, 1.0], (0, 2)),
        ([0.1, 0.1], (0, 0)),
    ],
)
def test_ends_are_cut_by_stretches(bits, core):
    assert readout.core_of(np.stack([column(b) for b in bits], axis=1)) == core
