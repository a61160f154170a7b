"""The table of the runs in the repository must be the same for a reader who has no real data."""

import chipseq
import paper_table
import pytest


@pytest.fixture
def printed(monkeypatch, tmp_path, capsys):
    """What `--table` prints of the kept runs without any real data."""
    monkeypatch.setattr(chipseq, "available", dict)
    kept = paper_table.ROOT / "benchmarks" / "results" / "paper_table.jsonl"
    results = tmp_path / "paper_table.jsonl"
    results.write_bytes(kept.read_bytes())
    monkeypatch.setattr("sys.argv", ["paper_table.py", "--table", "--results", str(results)])
    assert paper_table.main() == 0
    return capsys.readouterr().out


def test_real_sets_are_printed_without_their_data(printed):
    rows = [line for line in printed.splitlines() if line.startswith("| CTCF_HepG2/neg_gc |")]
    assert rows and "of 3" not in rows[0].split("|")[4]  # three seeds of ours


def test_nothing_that_is_absent_is_run(monkeypatch):
    monkeypatch.setattr(chipseq, "available", dict)
    assert all(dataset.simulated for dataset in paper_table.datasets().values())
    assert paper_table.datasets(["101bp/REST_GM12878"])["101bp/REST_GM12878"].length == 101
