"""Laws broken on purpose, each in a scratch copy of the code: the worlds must catch every one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from sandbox.aws import Aws
from sandbox.environment import ROOT

MOST: Final = 300
"""Worlds a broken law may hide in."""
ENDPOINT: Final = "PERENNIAL_WORLDS_AWS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """What is broken: `text`, which stands once in `file`, becomes `instead`. World `seed` was seen to catch it, and is lived first."""

    name: str
    seed: int
    file: str
    text: str
    instead: str


def main(console: Console, only: str | None = None) -> int:
    """Break each law in turn; the exit code is 1 where one was not caught."""
    uncaught = 0
    with Aws() as aws:
        for law in [law for law in LAWS if only in (None, law.name)]:
            try:
                found, trouble = caught(law, aws.endpoint), "NOT CAUGHT"
            except ValueError as error:
                found, trouble = None, str(error)
            uncaught += found is None
            console.print(f"{law.name} ({law.file})", style="bold", highlight=False)
            told = Text(f"seed {found[0]}: {found[1]}") if found else Text(trouble, "red")
            console.print(Padding(told, (0, 3)))
    console.print(
        f"{uncaught} of {len(LAWS)} laws broken were not caught." if uncaught else "All were caught."
    )
    return 1 if uncaught else 0


def caught(law: Law, endpoint: str) -> tuple[int, str] | None:
    """The first seed that a broken law makes wrong, and how; None where none of the worlds does.

    Raises ValueError where that world is wrong with all laws in force: then it is no proof.
    """
    with tempfile.TemporaryDirectory(prefix="broken-") as folder:
        copy = Path(folder)
        broken_copy(law, copy)
        found = _hunted(copy, endpoint, law.seed, MOST)
    if found and _hunted(ROOT, endpoint, found[0], 0):
        raise ValueError(f"World {found[0]} is wrong without '{law.name}' too; mend that first.")
    return found


def _hunted(code: Path, endpoint: str, first: int, most: int) -> tuple[int, str] | None:
    """`hunt` in a process of its own, by the code in a folder. Raises ValueError where that ends without an answer."""
    command = [sys.executable, "-m", "sandbox.worlds.broken", str(first), str(most)]
    env = {**os.environ, ENDPOINT: endpoint, "PYTHONPATH": str(code)}
    done = subprocess.run(command, cwd=code, env=env, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"No world could be lived: {done.stderr[-500:]}")
    seed, sentence = json.loads(done.stdout.strip().splitlines()[-1])
    return (seed, sentence) if seed is not None else None


def broken_copy(law: Law, into: Path) -> None:
    """A copy of the code in which a law is broken."""
    leave = shutil.ignore_patterns("__pycache__")
    for name in ("chalicelib", "sandbox"):
        shutil.copytree(ROOT / name, into / name, ignore=leave)
    shutil.copy(ROOT / "app.py", into)
    file = into / law.file
    before = file.read_text()
    if before.count(law.text) != 1:
        raise ValueError(f"{law.name}: its text stands {before.count(law.text)} times in {law.file}.")
    file.write_text(before.replace(law.text, law.instead))


class Elsewhere:
    """A local AWS that runs already."""

    environment = Aws.environment

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint


def hunt(first: int, most: int) -> tuple[int | None, str]:
    """Live worlds of this copy until one is wrong, and one of them before the others."""
    from sandbox.worlds.earth import Earth
    from sandbox.worlds.run import live
    from sandbox.worlds.steady import pinned

    with pinned():
        earth = Earth(Elsewhere(os.environ[ENDPOINT]))  # type: ignore[arg-type]
        try:
            for seed in dict.fromkeys((first, *range(1, most + 1))):
                if wrong := live(earth, seed).wrong:
                    return seed, wrong[0][:300]
        finally:
            earth.stop()
    return None, ""


LAWS: Final = (
    Law(
        name="skip the lease",
        seed=1,
        file="chalicelib/operations/reconcile.py",
        text=" or payment.leased(real):\n            return\n"
        "        if at_once or Moment(changes.get(Account, account), real).awake(payment.wake):\n",
        instead=":\n            return\n        if payment.wake:\n",
    ),
    Law(
        name="drop the version guard",
        seed=2,
        file="chalicelib/store/store.py",
        text='put["ConditionExpression"] = "version = :read" + _as_read(changes.before, key)',
        instead='put["ConditionExpression"] = "version > :read OR version <= :read"',
    ),
    Law(
        name="repeat under another key",
        seed=2,
        file="chalicelib/operations/reconcile.py",
        text="return service.gateway.charge(payment.id, payment.request)",
        instead='return service.gateway.charge(payment.id + "_again", payment.request)',
    ),
    Law(
        name="forget the wake of what is held",
        seed=2,
        file="chalicelib/billing/payments.py",
        text="return Wake(at, Topic.RECONCILIATION) if self.asked_about and at else None",
        instead='return Wake(at, Topic.RECONCILIATION) if self.asked_about and at and self.status != "held" else None',
    ),
    Law(
        name="forget the billing after a reminder",
        seed=1,
        file="chalicelib/billing/subscriptions.py",
        text="        return Wake(at, Topic.BILLING)\n\n    @property",
        instead="        return Wake(at, Topic.BILLING) if self.reminded < self.cycle or self.cycle < 2 else None\n\n    @property",
    ),
    Law(
        name="believe the webhook",
        seed=7,
        file="chalicelib/operations/heed.py",
        text="        changes.put(payment.woken(real), event.noted())\n",
        instead="        from dataclasses import replace\n\n"
        "        believed = replace(payment, status=PaymentStatus.SUCCEEDED, leased_until=None, look_at=None)\n"
        "        changes.put(believed if event.type == SUCCEEDED else payment.woken(real), event.noted())\n",
    ),
    Law(
        name="stumble over what was told",
        seed=7,
        file="chalicelib/operations/heed.py",
        text="        changes.put(payment.woken(real), event.noted())\n",
        instead="        if event.type == SUCCEEDED:\n            raise LookupError(event.type)\n"
        "        changes.put(payment.woken(real), event.noted())\n",
    ),
    Law(
        name="charge before the commit",
        seed=1,
        file="chalicelib/operations/collect.py",
        text="            reserved.append(keys.key_of(payment))\n",
        instead="            reserved.append(keys.key_of(payment))\n"
        "            service.gateway.charge(payment.id, payment.request)\n",
    ),
    Law(
        name="drop an event's entry",
        seed=1,
        file="chalicelib/operations/publish.py",
        text="            entry=entry,\n",
        instead="            entry=None if type_ is EventType.INVOICE_VOIDED else entry,\n",
    ),
    Law(
        name="release an invoice on no answer",
        seed=2,
        file="chalicelib/operations/outcomes.py",
        text="                decline.called_off(changes, invoice, after, at, unconfirmed=unconfirmed)\n            case _:\n                pass\n",
        instead="                decline.called_off(changes, invoice, after, at, unconfirmed=unconfirmed)\n"
        "            case PaymentStatus.HELD:\n                changes.put(invoice.released(at.now))\n"
        "            case _:\n                pass\n",
    ),
    Law(
        name="ask again after a hard decline",
        seed=1,
        file="chalicelib/operations/decline.py",
        text="    after = invoice.declined(policy, at.now, hard=payment.hard, type_=payment.type, failures=count)\n"
        "    settle.failed(changes, after, at, refused=tried if payment.hard else None)\n",
        instead="    after = invoice.declined(policy, at.now, hard=False, type_=payment.type, failures=count)\n"
        "    settle.failed(changes, after, at)\n",
    ),
)


if __name__ == "__main__":
    import logging

    logging.disable(logging.CRITICAL)
    print(json.dumps(hunt(int(sys.argv[1]), int(sys.argv[2]))), flush=True)
