"""The verbs a stranger tries first do what they say."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.billing.deliveries import Letter
from chalicelib.crm.parties import LANGUAGES
from sandbox import browser
from sandbox.gallery import pieces


def dev(*words: str) -> subprocess.CompletedProcess[str]:
    """A verb of ./dev in a process of its own."""
    command = [sys.executable, "-m", "sandbox.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.slow
def test_the_demo_ends_with_every_sentence_holding():
    """The roaster's story is told and audited against its literal table and against Stripe: nothing is missing."""
    told = dev("demo")
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    assert "Every sentence holds." in told.stdout
    assert "✗" not in told.stdout


@pytest.mark.slow
def test_the_bench_prints_one_object_of_figures():
    """With --json it prints the figures a machine may read, and nothing else, each of them measured."""
    measured = dev("bench", "20", "--json")
    assert measured.returncode == 0, measured.stderr[-3000:]
    figures = json.loads(measured.stdout)
    assert set(figures) == {"renewal", "told", "papers", "invoice_us", "api_read_us", "first_event"}
    renewal = figures["renewal"]
    assert set(renewal) == {
        "count",
        "dynamodb_requests",
        "write_units",
        "read_units",
        "stripe_calls",
        "sqs_requests",
        "cpu_ms",
        "per_second",
    }
    assert set(figures["invoice_us"]) == {"plain", "tiered_discounted_taxed"}
    assert renewal["count"] == 20
    assert renewal["stripe_calls"] == 1
    assert renewal["write_units"] < 52, "one more record, or one that grew over a kilobyte, is more"
    assert set(figures["first_event"]) == {"cpu_ms", "mib"}
    told, papers = figures["told"], figures["papers"]
    assert told["events"] >= 2
    assert told["dynamodb_requests_added"] == round(
        told["dynamodb_requests"] - renewal["dynamodb_requests"], 4
    )
    assert set(papers["letter_ms"]) == set(LANGUAGES)
    assert papers["pdf_first_ms"] > papers["pdf_ms"] > papers["einvoice_ms"] > 0
    assert papers["pdf_kb"] > 10


@pytest.mark.slow
def test_one_worker_keeps_up_while_stripe_takes_its_time():
    """At 300 ms an answer it charges 100 a second on a quiet machine, several times one by one on any, within 128 MiB more than idle."""
    measured = dev("bench", "200", "--latency", "300", "--json")
    assert measured.returncode == 0, measured.stderr[-3000:]
    figures = json.loads(measured.stdout)
    assert figures["charges_per_second"] > 10, "one by one it would be three, however busy the machine is"
    assert 0 < figures["mib_above_idle"] < 128, figures


@pytest.mark.slow
def test_the_gallery_pictures_all_that_people_receive(tmp_path: Path):
    """In one language: every letter with its text, every document with its PDF, every page, and one page that shows them."""
    if browser.found() is None:
        pytest.skip(f"left out: {browser.MISSING}")
    made = dev("gallery", "--language", "de", "--to", str(tmp_path))
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
    assert str(tmp_path / "index.html") in made.stdout
    shown = set(re.findall(r'src="([^"]+)"', (tmp_path / "index.html").read_text()))
    there = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*.png")}
    assert shown == there
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in there)
    for letter in Letter:
        assert {f"de/letter-{letter}.png", f"de/letter-{letter}-phone.png"} <= there
        assert (tmp_path / f"de/letter-{letter}.txt").read_text().strip()
    for document in pieces.DOCUMENTS:
        assert (tmp_path / f"de/document-{document}.pdf").read_bytes().startswith(b"%PDF")
    assert {f"de/page-{page}-phone.png" for page in pieces.PAGES} <= there


def test_an_unknown_verb_is_told_the_known_ones():
    """A slip of the hand gets the list, and exit code 2."""
    told = dev("dmeo")
    assert told.returncode == 2
    assert "demo" in told.stderr
