"""Where there is no browser, and none can be installed."""

from pathlib import Path

import pytest

from sandbox import browser


def test_a_machine_without_chromium_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The checks go on without one, and tell what was left out and how to have it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.ready() is None
    assert browser.prepare()
    told = capsys.readouterr().out
    assert "tests/browser is left out" in told
    assert "apt-get install chromium" in told


def test_the_machines_own_browser_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whichever of its names it has."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in browser.NAMES:
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        assert browser.ready() == str(program)
        program.unlink()
