"""What comes between the steps of a worker: another worker, what Stripe tells, or somebody who acts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib import wiring
from sandbox.worlds import acts

if TYPE_CHECKING:
    from sandbox.worlds.life import Life


def comes(life: Life, kind: str) -> None:
    """Something happens while a process stands at one of its points; another process does it."""
    own, asked = life.service, life.act
    life.act = None
    life.restart()
    try:
        if kind == "act":
            _somebody_acts(life)
        elif kind == "hear":
            life.hooks.hear(all_=True)
            life.works.drain()
        else:
            _another_works(life, later=kind == "stall")
    finally:
        wiring.use(own)
        life.act = asked


def _another_works(life: Life, *, later: bool) -> None:
    """The same messages reach another worker, at once or when this one's leases are over."""
    if later:
        life.set_clock(life.moment + timedelta(seconds=life.chance.choice((130, 200, 700))))
    life.works.again()
    life.works.tick()
    life.works.drain()


def _somebody_acts(life: Life) -> None:
    """Somebody acts on a subscription that is being worked, where there is one."""
    named = " ".join(message.body for message in life.post.at_work)
    alive = [name for name, one in life.people.items() if one.subscription]
    touched = [name for name in alive if life.people[name].subscription.removeprefix("sub_") in named]
    if not alive:
        return
    who = life.chance.choice(touched or alive)
    name = life.chance.choices([*acts.ACTS], [act.often for act in acts.ACTS.values()])[0]
    acts.do(life, name, who, life.chance.randrange(10**9))
