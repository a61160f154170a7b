"""Tests run against this checkout, installed or not; helpers beside this file are importable by name."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


@pytest.fixture
def argminn(monkeypatch, capsys):
    """Runs the command line in this process; what it said, once it ended with `code`."""
    from argminn_core.cli import main

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["argminn", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        assert stop.value.code == code, said.out + said.err
        return said

    return run
