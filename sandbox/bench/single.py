"""What one thing costs by itself: an invoice, a read over HTTP, the first event of a process."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from decimal import Decimal

from chalicelib.billing.discounts import Discount, UnitDiscount
from chalicelib.billing.issuing import invoice_of
from chalicelib.billing.pricing import Model, Tier
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.tax import Tax
from chalicelib.crm.accounts import Account
from chalicelib.operations import create
from chalicelib.service import Service
from sandbox.bench.sales import DUE
from sandbox.world import World

TIERS = (
    Tier(up_to=Decimal(10), unit_amount=Decimal(1250)),
    Tier(up_to=Decimal(50), unit_amount=Decimal("999.5")),
    Tier(unit_amount=Decimal("799.25"), flat_amount=Decimal(500)),
)


def invoice_us(service: Service, account: str) -> dict[str, float]:
    """Computing an invoice of three lines: plain, and each with tiers, a discount, a coupon's part and tax."""
    plain = service.store.owned(f"{account}/subscription", limit=1).records[0]
    if not isinstance(plain, Subscription):
        raise TypeError(plain)
    lines = [
        replace(line, unit_amount=Decimal(0), quantity=Decimal(quantity), model=Model.GRADUATED, tiers=TIERS,
                discounts=(UnitDiscount(percent=Decimal(10)),), taxes=("vat",))
        for line, quantity in zip(plain.lines, ("12", "60.5", "7"), strict=True)
    ]  # fmt: skip
    coupon = Discount(coupon="cpn_1", name="Welcome", percent=Decimal(5))
    vat = Tax(id="vat", name="VAT", percent=Decimal(19))
    rich = replace(plain, lines=tuple(lines), discounts=(coupon,), taxes=(vat,))
    return {"plain": _best_us(plain), "tiered_discounted_taxed": _best_us(rich)}


def _best_us(subscription: Subscription) -> float:
    """The best of many short rounds: a longer one is sure to be interrupted."""
    rounds = []
    for _ in range(1000):
        began = time.perf_counter()
        for _ in range(20):
            invoice_of(subscription, "INV-000001", DUE)
        rounds.append((time.perf_counter() - began) / 20)
    return round(1e6 * min(rounds), 1)


def api_read_us(world: World, account: str) -> float:
    """The best of several rounds of `GET /v1/subscriptions/{id}` through the Lambda handler, warm, engine's time left out."""
    service = world.service()
    business = service.store.get(Account, account, account)
    _, key = create.api_key(service, business, "bench")
    subscription = service.store.owned(f"{account}/subscription", limit=1).records[0].id
    target, headers = f"/v1/subscriptions/{subscription}", {"Authorization": f"Bearer {key}"}
    gateway, rounds = world.gateway, []
    for _ in range(10):
        began = time.process_time()
        for _ in range(50):
            status, _, body = gateway.answer("GET", target, headers, b"")
            if status != 200:
                raise SystemExit(f"GET {target}: {status} {body.decode()}")
        rounds.append((time.process_time() - began) / 50)
    return round(1e6 * min(rounds), 1)


FIRST = """
import json, re, time
began = time.process_time()
import app
from sandbox.gateway import Context, tick_event
app.run_billing(tick_event("run_billing"), Context())
cpu = time.process_time() - began
kib = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(json.dumps({"cpu_ms": round(1000 * cpu, 1), "mib": round(kib / 1024, 1)}))
"""


def first_event(env: dict[str, str]) -> dict[str, float]:
    """A fresh process, bytecode at hand, from import to the end of its first event; the median of five."""
    found = []
    for _ in range(6):
        done = subprocess.run(
            [sys.executable, "-c", FIRST],
            env=with_bytecode() | env,
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(json.loads(done.stdout))
    found = sorted(found[1:], key=lambda run: run["cpu_ms"])
    middle: dict[str, float] = found[len(found) // 2]
    return middle


def with_bytecode() -> dict[str, str]:
    """This environment, in which a process leaves its bytecode for the next, as a package has it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
