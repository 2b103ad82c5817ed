"""The figures as a person reads them: tables by step, by request and by record, and a sentence each of the rest."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from sandbox.bench.meter import Meter

PEERS = """Peers on the same work, CPU-seconds per 1,000 renewals (measured elsewhere): django-silver and bxb 45–49;
a plain pynamodb + stripe-python loop 8.6; a bare floor without them 0.3–0.5."""


def all_of(meter: Meter, count: int, result: dict[str, Any]) -> None:
    """All figures of a bench."""
    console = Console()
    for shown in (_steps(meter, count), _requests(meter, count), _written(meter, count)):
        console.print(shown)
    for sentence in (
        _renewal(result["renewal"]),
        _told(result["told"]),
        _papers(result["papers"]),
        _single(result),
    ):
        console.print(sentence)
    console.print(PEERS)


def _steps(meter: Meter, count: int) -> Table:
    table = _table(f"Per renewal, of {count}", "step", "CPU ms", "DynamoDB", "WCU", "RCU", "SQS", "wall ms")
    for step, cost in meter.steps.items():
        row = (1000 * cost.cpu, cost.dynamodb.total(), cost.write_units, cost.read_units, cost.sqs.total(),
               1000 * cost.seconds)  # fmt: skip
        table.add_row(step, *(f"{value / count:.3f}" for value in row))
    return table


def _requests(meter: Meter, count: int) -> Table:
    table = _table("DynamoDB requests", "kind", "requests", "per renewal")
    kinds = sum((cost.dynamodb for cost in meter.steps.values()), Counter[str]())
    for kind, number in kinds.most_common():
        table.add_row(kind, str(number), f"{number / count:.4f}")
    return table


def _written(meter: Meter, count: int) -> Table:
    table = _table("Items written", "step", "record", "per renewal", "bytes", "table units in a transaction")
    for (step, kind), sizes in meter.sizes.items():
        units = sum(2 * -(-size // 1024) for size in sizes) / count
        row = (f"{len(sizes) / count:.3f}", f"{sum(sizes) / len(sizes):.0f}", f"{units:.2f}")
        table.add_row(step, kind, *row)
    return table


def _table(title: str, *columns: str) -> Table:
    """Words stand at the left, numbers at the right."""
    table = Table(title=title)
    for name in columns:
        table.add_column(name, justify="left" if name in ("step", "record", "kind") else "right")
    return table


def _renewal(renewal: dict[str, Any]) -> str:
    return (
        f"A renewal: {renewal['dynamodb_requests']} DynamoDB requests, {renewal['write_units']} write units, "
        f"{renewal['stripe_calls']} Stripe calls, {renewal['sqs_requests']} SQS requests, {renewal['cpu_ms']} CPU ms; "
        f"{renewal['per_second']} a second."
    )


def _told(told: dict[str, float]) -> str:
    return (
        f"With an endpoint that hears all {told['events']} events of it, and its receipt in German: "
        f"{told['dynamodb_requests_added']:+} DynamoDB requests, {told['write_units_added']:+} write units, "
        f"{told['cpu_ms_added']:+} CPU ms."
    )


def _papers(papers: dict[str, Any]) -> str:
    letters: Iterable[str] = (f"{language} {ms}" for language, ms in papers["letter_ms"].items())
    return (
        f"A PDF {papers['pdf_ms']} ms ({papers['pdf_kb']} kB, e-invoice within), the first of a process "
        f"{papers['pdf_first_ms']} ms; an e-invoice {papers['einvoice_ms']} ms; a letter in ms: {', '.join(letters)}."
    )


def _single(result: dict[str, Any]) -> str:
    first = result["first_event"]
    return (
        f"An invoice of three lines {result['invoice_us']['plain']} µs, of tiered, discounted and taxed ones "
        f"{result['invoice_us']['tiered_discounted_taxed']} µs; a warm API read {result['api_read_us']} µs CPU; "
        f"the first event of a fresh process {first['cpu_ms']} CPU ms, {first['mib']} MiB."
    )
