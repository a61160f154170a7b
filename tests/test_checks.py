"""What is found out before a training: each trap is set, and has to be seen."""

import json

import numpy as np
import pytest
from toy import random_codes

from argminn_core import checks, dna
from argminn_core.datasets import from_peaks
from argminn_core.fasta import Sequences, read_fasta
from argminn_core.tables import DROPPED

LENGTH = 120


def named(codes, prefix="s"):
    return Sequences.from_codes([f"{prefix}{i}" for i in range(len(codes))], codes)


def rich(n, gc, *, seed):
    """Codes (n, LENGTH) with that share of G and C."""
    rng = np.random.default_rng(seed)
    return rng.choice(4, (n, LENGTH), p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]).astype(np.uint8)


@pytest.fixture(scope="module")
def clean():
    return random_codes(600, LENGTH, seed=1), random_codes(600, LENGTH, seed=2)


def row(checked, check):
    (found,) = checked.rows[checked.rows["check"] == check].to_dict("records")
    return found


def test_clean_data_may_go(clean):
    checked = checks.check_classes(named(clean[0]), named(clean[1], "n"))
    assert checked.verdict == "go" and set(checked.rows["verdict"]) == {"ok"}
    assert checked.length == LENGTH and checked.parts == {
        "train": (480, 480),
        "valid": (60, 60),
        "test": (60, 60),
    }
    assert row(checked, "Sequences")["positives"] == "600"
    assert row(checked, "Length")["negatives"] == f"{LENGTH} bp"
    assert checked.dropped.empty
    np.testing.assert_allclose(checked.gc["positives"], dna.gc_content(clean[0]))


def test_gc_that_tells_the_classes_apart_is_given_its_auroc(clean):
    checked = checks.check_classes(named(rich(600, 0.6, seed=3)), named(clean[1], "n"))
    found = row(checked, "GC content")
    assert (checked.verdict, found["verdict"]) == ("care", "care")
    assert "auROC of 0.9" in found["advice"] and found["positives"].startswith("59.6% ± 4")
    shuffled = checks.check_classes(named(rich(600, 0.6, seed=3)), None)
    assert shuffled.verdict == "go" and "GC tells nothing" in row(shuffled, "GC content")["advice"]


def test_held_out_sequences_near_a_training_one_are_counted():
    # every second sequence is its predecessor moved by 20 bases, or on the other strand
    own = random_codes(300, LENGTH + 20, seed=4)
    moved = np.concatenate([own[:, :LENGTH], dna.reverse_complement_codes(own[:, 20:])])
    checked = checks.check_classes(named(moved), named(random_codes(600, LENGTH, seed=5), "n"))
    found = row(checked, "Held out, but near a training one")
    # of 120 held-out ones, about four in five have their twin in the training part
    assert 75 <= int(found["positives"]) <= 115 and found["negatives"] == "0"
    assert found["verdict"] == "care" and checked.verdict == "care"
    alone = checks.check_classes(named(moved), None)
    assert row(alone, "Held out, but near a training one")["positives"] == found["positives"]


@pytest.mark.parametrize("length", [40, 200, 1000])
def test_near_is_half_of_the_letters(length):
    train = random_codes(50, length, seed=6)
    rest = random_codes(50, length, seed=7)
    most, some = int(0.8 * length), int(0.3 * length)
    held = [
        train[:10],
        dna.reverse_complement_codes(train[10:20]),
        np.concatenate([train[20:30, length - most :], rest[20:30, : length - most]], axis=1),
        np.concatenate([train[30:40, :some], rest[30:40, some:]], axis=1),
        rest[40:],
    ]
    near = checks.near_same(np.concatenate(held), train)
    assert near[:20].all() and near[20:30].sum() >= 8
    assert near[30:40].sum() <= 1 and not near[40:].any()
    assert not len(checks.near_same(held[0][:0], train)) and not checks.near_same(held[0], train[:0]).any()


def test_an_n_is_no_letter_that_two_sequences_share():
    codes = random_codes(2, 200, seed=8)
    codes[:, 20:] = dna.N_CODE
    assert not checks.near_same(codes[:1], codes[1:]).any()


def test_words_are_numbers_of_base_four():
    codes = random_codes(3, 40)
    for size in (1, 2, 5, 24, 31):
        spelled = [["".join(map(str, line[i : i + size])) for i in range(41 - size)] for line in codes]
        wanted = np.array([[int(word, 4) for word in line] for line in spelled], dtype=np.uint64)
        np.testing.assert_array_equal(checks._numbers(codes, size), wanted)


def test_repeats_within_and_between_classes(clean):
    good, bad = clean
    again = np.concatenate([good, dna.reverse_complement_codes(good[:100])])
    checked = checks.check_classes(named(again), named(np.concatenate([bad, good[:5]]), "n"))
    assert row(checked, "Repeats within the class")["positives"] == "100"
    assert row(checked, "Repeats within the class")["verdict"] == "care"
    assert row(checked, "In both classes") | {"advice": ""} == {
        "check": "In both classes", "positives": "5", "negatives": "5", "verdict": "care", "advice": "",
    }  # fmt: skip
    assert checked.dropped["reason"].value_counts().to_dict() == {"duplicate": 105}
    assert row(checked, "Dropped")["advice"] == "105 duplicate"


def test_one_file_given_twice_cannot_be_trained(clean):
    checked = checks.check_classes(named(clean[0]), named(clean[0], "n"))
    assert checked.verdict == "cannot" and row(checked, "In both classes")["verdict"] == "stop"
    assert "too few" in row(checked, "Can it be trained?")["advice"]


def test_other_lengths_are_told_before_they_are_dropped(clean):
    texts = ["".join(dna.decode(line)) for line in clean[0]]
    mixed, _ = read_fasta("".join(f">s{i}\n{text[i % 3 == 0 :]}\n" for i, text in enumerate(texts)))
    checked = checks.check_classes(mixed, named(clean[1], "n"))
    assert row(checked, "Length")["positives"] == f"{LENGTH - 1} to {LENGTH} bp; 400 have {LENGTH} bp"
    assert row(checked, "Length")["verdict"] == checked.verdict == "care"
    assert len(checked.dropped) == 200 and row(checked, "Dropped")["verdict"] == "ok"
    shuffled = checks.check_classes(mixed, None)
    assert row(shuffled, "Dropped")["verdict"] == "care"
    assert len(shuffled.dropped) == 200  # the shuffles are no one's records
    other = checks.check_classes(named(clean[0]), named(random_codes(600, 90, seed=9), "n"))
    assert other.verdict == "cannot" and row(other, "Length")["negatives"].startswith("90 to 90 bp; 0 have")


@pytest.mark.parametrize(("length", "verdict"), [(12, "cannot"), (6_000, "care")])
def test_lengths_that_no_model_reads_or_that_take_long(length, verdict):
    n = 250
    checked = checks.check_classes(
        named(random_codes(n, length, seed=10)), named(random_codes(n, length, seed=11), "n")
    )
    assert checked.verdict == verdict and row(checked, "Length")["verdict"] != "ok"


def test_few_sequences_and_gaps_of_one_class(clean):
    few = checks.check_classes(named(clean[0][:60]), named(clean[1], "n"))
    assert row(few, "Sequences")["verdict"] == row(few, "Train / valid / test")["verdict"] == "care"
    assert "±0.12" in row(few, "Train / valid / test")["advice"]
    gaps = clean[1].copy()
    gaps[::4, :5] = dna.N_CODE
    assert row(checks.check_classes(named(clean[0]), named(gaps, "n")), "N")["verdict"] == "care"
    none = checks.check_classes(named(clean[0][:0]), None)
    assert none.verdict == "cannot"


def test_what_reading_dropped_is_in_the_list(clean):
    unread = DROPPED.frame([{"record": "x", "reason": "empty", "detail": ""}])
    checked = checks.check_classes(named(clean[0]), named(clean[1], "n"), unread=unread)
    assert list(checked.dropped["record"]) == ["x"] and row(checked, "Dropped")["advice"] == "1 empty"


# --- peaks, in a process of their own -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(0)
    chroms = {f"chr{i}": dna.decode(rng.integers(0, 4, 200_000)) for i in (1, 2, 3)}
    (folder / "g.fa").write_text("".join(f">{name}\n{text}\n" for name, text in chroms.items()))
    rows = [(f"chr{i}", start, start + 200) for i in (1, 2, 3) for start in range(5_000, 190_000, 6_000)]
    rows += [("chrX", 100, 300)]
    (folder / "p.bed").write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return folder


def test_peaks_are_checked_as_they_will_be_trained(genome, capsys):
    options = {"length": 200, "valid": ["chr2"], "test": ["chr3"], "seed": 0, "name": "my.bed"}
    checks.main([str(genome / "p.bed"), str(genome / "g.fa"), json.dumps(options)])
    said = checks.Checked.from_json(capsys.readouterr().out)
    direct = checks.check_source(from_peaks(genome / "p.bed", genome / "g.fa", **options))
    for got in (said, direct):
        assert got.parts == {"train": (31, 31), "valid": (31, 31), "test": (31, 31)}
        assert got.length == 200 and list(got.dropped["reason"]) == ["chromosome not in genome"]
        assert row(got, "Sequences")["positives"] == "93"
    np.testing.assert_array_equal(said.gc["negatives"], direct.gc["negatives"])
    assert said.rows.equals(direct.rows) and said.verdict == direct.verdict == "care"


def test_peaks_that_cannot_be_used_say_why_as_data(genome, capsys):
    options = {"valid": ["chr9"], "test": ["chr3"]}
    checks.main([str(genome / "p.bed"), str(genome / "g.fa"), json.dumps(options)])
    assert "chr9" in json.loads(capsys.readouterr().out)["error"]["what"]
