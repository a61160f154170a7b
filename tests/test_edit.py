"""Edits say "what if": the motif changes, what reads its channel does not, and the first model stays as it was."""

import numpy as np
import pytest
import torch
from handmade import SITES, planted, toy_bundle
from toy import LEAD, LENGTH, SITE, background, detector, plant, random_codes, tiny_bundle

from argminn_core import dna
from argminn_core.checkpoint import load_model, save_model
from argminn_core.edit import PER_NAT, import_motif, mute, neutral_evidence, swap
from argminn_core.errors import ArgminnError, InputError
from argminn_core.instances import call
from argminn_core.model import Argminn
from argminn_core.pfm import Motif, jaspar
from argminn_core.predict import predict, trace
from argminn_core.warm_start import Choice, start_from

OTHER = "TTGCCAAGC"
SHARP = np.full((4, 4), 0.01) + 0.96 * np.eye(4)


def motif_of(site: str, name: str = "OTHER", **changes) -> Motif:
    return Motif(name, SHARP[:, [*dna.encode(site)]], **changes)


def codes_with(*sites: str, at: int = 30) -> np.ndarray:
    return dna.encode_all([plant(background(LENGTH, seed=i), s, at) for i, s in enumerate(sites)])


def state(bundle):
    return {name: value.clone() for name, value in bundle.model.state_dict().items()}


@pytest.mark.parametrize(
    "edit",
    [
        lambda b: mute(b, b.motifs[0].name),
        lambda b: swap(b, b.motifs[0].name, b.motifs[1].name),
        lambda b: import_motif(b, b.motifs[1].name, motif_of(OTHER)),
    ],
    ids=["mute", "swap", "import"],
)
@pytest.mark.parametrize("make", [detector, toy_bundle, tiny_bundle])
def test_the_original_is_untouched_and_the_card_lists_the_edits(edit, make, tmp_path):
    bundle = make()
    before, motifs, card = state(bundle), list(bundle.motifs), dict(bundle.card)
    edited = edit(edit(bundle))
    after = bundle.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert bundle.motifs == motifs and bundle.card == card and "edits" not in bundle.card
    assert len(edited.card["edits"]) == 2 and edited.card["description"] == card["description"]
    assert [motif.filter for motif in edited.motifs] == list(range(len(motifs)))
    assert edited.model is not bundle.model and not edited.model.training
    path = tmp_path / "edited.safetensors"
    save_model(path, edited)  # a model like any other
    codes = random_codes(5, bundle.length)
    np.testing.assert_array_equal(predict(load_model(path).model, codes), predict(edited.model, codes))
    assert load_model(path).card == edited.card


def test_a_muted_motif_is_read_nowhere():
    bundle = detector()
    codes = codes_with(SITE, dna.reverse_complement(SITE), "CCCCCCCC")
    muted = mute(bundle, "SITE")
    assert (predict(bundle.model, codes) > 0).tolist() == [True, True, False]
    np.testing.assert_allclose(predict(muted.model, codes), predict(bundle.model, codes)[2], atol=1e-5)
    assert (trace(muted.model, codes).act[:, [0, 3]] == 0).all()
    assert len(call(muted, codes, list("abc"), min_contribution=None)) == 0
    motif = muted.motif("SITE")
    assert (motif.note, motif.counts, motif.contribution) == ("muted", False, 0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("strands", ["both", "single"])
@pytest.mark.parametrize("evidence", [True, False])
def test_what_a_muted_model_says_does_not_depend_on_the_filter(seed, strands, evidence):
    bundle = tiny_bundle(seed, strands=strands, evidence=evidence)
    other = tiny_bundle(seed, strands=strands, evidence=evidence)
    other.model.scanner.weight[1] = torch.randn(4, 5)  # another motif in the same place
    other.model.scanner.bias[1] = 0.7
    codes = random_codes(20, 30)
    names = ["motif_02"]
    one, two = (predict(mute(b, names).model, codes) for b in (bundle, other))
    # the two had other levels of evidence on neutral sequences: one constant apart
    np.testing.assert_allclose(one - two, (one - two)[0], atol=1e-4)
    if not evidence:
        np.testing.assert_allclose(one, two, atol=1e-6)
    out = trace(mute(bundle, names).model, codes)
    assert (out.evidence[:, 1] == 0).all() and (out.act[:, 1 :: bundle.model.config.filters] == 0).all()


def test_muting_a_motif_takes_its_evidence_but_not_its_level():
    bundle = toy_bundle()
    with_it, without = (
        dna.encode_all([planted(*sites, seed=i) for i in range(40)]) for sites in ([("CTCF", 90)], [])
    )
    muted = mute(bundle, "CTCF")
    gap = (predict(bundle.model, with_it) - predict(bundle.model, without)).mean()
    left = np.abs(predict(muted.model, with_it) - predict(muted.model, without)).mean()
    assert gap > 3 and left < 0.1 * gap  # other filters see a little of the planted letters
    level = predict(muted.model, without).mean() - predict(bundle.model, without).mean()
    assert abs(level) < 0.1
    assert neutral_evidence(bundle.model) != 0
    everything = mute(bundle, list(SITES))
    assert np.ptp(predict(everything.model, with_it)) < 1e-5


def test_a_swap_puts_one_motif_where_the_other_was_read():
    bundle = detector()
    swapped = swap(bundle, "SITE", "LEAD")
    codes = codes_with(SITE, LEAD + "GGGG", "CCCCCCCC")
    assert LEAD not in dna.decode(codes[0]) + dna.decode(codes[2])
    assert (predict(bundle.model, codes) > 0).tolist() == [True, False, False]
    calls = call(swapped, codes, list("abc"))
    assert set(calls["motif"]) == {"LEAD"} and "b" in set(calls["sequence"])
    logits = predict(swapped.model, codes)
    assert logits[1] > 0 and logits[1] == pytest.approx(predict(bundle.model, codes)[0], abs=0.2)
    assert [motif.name for motif in swapped.motifs] == ["LEAD", "SITE", "DEAD"]


@pytest.mark.parametrize("make", [toy_bundle, lambda: tiny_bundle(evidence=True)])
def test_swapping_twice_gives_the_model_back(make):
    bundle = make()
    a, b = bundle.motifs[0].name, bundle.motifs[1].name
    twice = swap(swap(bundle, a, b), a, b)
    codes = random_codes(30, bundle.length)
    np.testing.assert_allclose(predict(twice.model, codes), predict(bundle.model, codes), atol=1e-4)
    for one, two in zip(twice.motifs, bundle.motifs, strict=True):
        assert (one.name, one.filter) == (two.name, two.filter)
        assert one.threshold == pytest.approx(two.threshold)
    same = swap(bundle, a, a)
    np.testing.assert_allclose(predict(same.model, codes), predict(bundle.model, codes), atol=1e-5)


def test_a_swap_keeps_each_motifs_calls_on_the_scale_of_its_place():
    bundle = tiny_bundle()
    bundle.motifs[0] = type(bundle.motifs[0])(**{**vars(bundle.motifs[0]), "max_activation": 4.0})
    swapped = swap(bundle, "motif_01", "motif_02")
    codes = random_codes(20, 30)
    before, after = trace(bundle.model, codes).act, trace(swapped.model, codes).act
    np.testing.assert_allclose(after[:, 1], before[:, 0] / 4, atol=1e-5)
    np.testing.assert_allclose(after[:, 0], before[:, 1] * 4, atol=1e-5)
    assert swapped.motifs[1].threshold == pytest.approx(0.5 / 4) and swapped.motifs[1].max_activation == 1


@pytest.mark.parametrize("strand", ["+", "-"])
def test_an_imported_motif_is_read_where_the_old_one_was(strand):
    bundle = import_motif(detector(), "SITE", motif_of(OTHER))
    turn = dna.reverse_complement if strand == "-" else str
    codes = codes_with(turn(OTHER), SITE, "CCCCCCCC")
    assert (predict(bundle.model, codes) > 0).tolist() == [True, False, False]
    calls = call(bundle, codes, list("abc"))
    assert calls[["sequence", "start0", "end0", "motif", "strand"]].to_numpy().tolist() == [
        ["a", 30, 39, "OTHER", strand]
    ]
    motif = bundle.motif("OTHER")
    assert motif.core == (1, 10) and motif.motif.consensus == OTHER and motif.counts
    # the best match is as active as the largest activation that was seen there
    assert calls["activation"].item() == pytest.approx(1, abs=1e-5) and motif.max_activation == pytest.approx(
        1
    )
    assert 0 < motif.threshold < 1
    assert bundle.card["edits"] == [
        {"edit": "import", "motif": "OTHER", "replaced": "SITE", "source": "OTHER"}
    ]


@pytest.mark.parametrize(("name", "share"), [("MA0139.2", 1e-4), ("MA0080.6", 1e-4), ("MA0035.4", 1e-4)])
def test_an_imported_motif_needs_no_data_for_its_thresholds(name, share):
    motif = jaspar(name)
    bundle = import_motif(detector(length=500), "SITE", motif)
    learned = bundle.motifs[0]
    assert (learned.name, learned.match, learned.match_name) == (motif.alt, name, motif.alt)
    act = trace(bundle.model, random_codes(1000, 500, seed=1)).act[:, [0, 3]]
    active = (act > 0).any(axis=(1, 2)).mean()
    assert active == pytest.approx(0.5, abs=0.08)  # every second neutral sequence, as in a warm start
    assert (act > learned.threshold).mean() == pytest.approx(share, rel=0.35)


def test_an_imported_filter_is_centred():
    scanner = import_motif(detector(), "SITE", motif_of(OTHER)).model.scanner
    assert scanner.weight[0].mean(0).abs().max() < 1e-6
    # an unknown base costs as much as an average one
    assert float(scanner.bias[0]) < 0


@pytest.mark.parametrize("evidence", [True, False])
def test_import_into_a_dead_filter_resets_what_never_learned(evidence):
    bundle = tiny_bundle(evidence=evidence)
    dead = type(bundle.motifs[2])(**{**vars(bundle.motifs[2]), "max_activation": 0.0, "threshold": 0.0})
    bundle.motifs[2] = dead
    bundle.model.scanner.norm.running_var[2] = 0
    edited = import_motif(bundle, "motif_03", motif_of("GATTA"))
    assert edited.model.scanner.norm.running_var[2] == 1
    assert (
        np.abs(
            predict(edited.model, random_codes(50, 30)) - predict(bundle.model, random_codes(50, 30))
        ).max()
        < 20
    )
    with pytest.raises(InputError, match="never active"):
        swap(bundle, "motif_01", "motif_03")


def test_the_scale_is_that_of_a_warm_start():
    bundle = toy_bundle()
    config = bundle.model.config
    motif = motif_of(SITES["SPI1"])
    started = Argminn(config)
    start_from(started, [Choice(motif, auroc=0.7, centre=1.0, gain=1.0, threshold=5.0)])
    bundle.motifs[0] = type(bundle.motifs[0])(**{**vars(bundle.motifs[0]), "max_activation": 0.0})
    edited = import_motif(bundle, bundle.motifs[0].name, motif).model
    theirs = started.scanner.weight[0] - started.scanner.weight[0].mean(0)
    torch.testing.assert_close(edited.scanner.weight[0], theirs.detach())
    assert edited.evidence.log_sharpness[0].item() == pytest.approx(np.log(1 / PER_NAT))
    torch.testing.assert_close(edited.evidence.log_sharpness[0], started.evidence.log_sharpness[0].detach())


@pytest.mark.parametrize("width", [1, 3, 11, 12, 13, 40])
def test_motifs_of_any_width_are_imported(width):
    site = "".join(np.random.default_rng(width).choice(list("ACGT"), width))
    bundle = import_motif(detector(), "SITE", motif_of(site))
    learned = bundle.motifs[0]
    assert learned.pfm.shape == (4, 12) and learned.core[1] - learned.core[0] == min(width, 12)
    assert ("cut from" in learned.note) == (width > 12)
    found = call(bundle, codes_with(site, at=10), ["a"], min_contribution=None)
    assert len(found) or width < 5
    assert np.isfinite(predict(bundle.model, codes_with(site, at=10))).all()
    assert learned.max_activation == pytest.approx(1) and 0 <= learned.threshold < 1


def test_names_stay_unique():
    bundle = import_motif(detector(), "SITE", motif_of(OTHER, "LEAD"))
    assert [motif.name for motif in bundle.motifs] == ["LEAD_2", "LEAD", "DEAD"]
    again = import_motif(bundle, "LEAD_2", motif_of(OTHER, "x", alt="two words"))
    assert again.motifs[0].name == "two_words" and len(again.card["edits"]) == 2


def test_what_cannot_be_edited_is_said():
    bundle = detector()
    with pytest.raises(ArgminnError, match=r"no motif of that name.*Found: X.*SITE, LEAD, DEAD"):
        mute(bundle, ["SITE", "X"])
    with pytest.raises(ArgminnError, match="no motif"):
        swap(bundle, "SITE", "X")
    with pytest.raises(InputError, match="same score"):
        import_motif(bundle, "SITE", Motif("flat", np.full((4, 6), 0.25)))
    assert state(mute(bundle, []))["scanner.weight"].equal(bundle.model.scanner.weight)
