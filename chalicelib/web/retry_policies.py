"""Retry policies: the presets, and past failures lived again under another one."""

from dataclasses import replace
from datetime import date
from typing import Annotated

from msgspec import Meta

from chalicelib.billing import dunning
from chalicelib.billing.dunning import AtEnd, Preset, RetryPolicy
from chalicelib.billing.errors import Invalid
from chalicelib.operations import replay as again
from chalicelib.operations.replay import MOST_INVOICES, Replay
from chalicelib.web.bodies import Body
from chalicelib.web.endpoint import Call
from chalicelib.web.paging import cursor, uncursor
from chalicelib.web.shown import Listed

_CODE = r"^[a-z0-9_]{1,50}(?!\n)$"
Code = Annotated[str, Meta(pattern=_CODE, examples=["do_not_honor"])]
Days = Annotated[tuple[int, ...], Meta(max_length=20)]


class Retries(Body, frozen=True):
    """When a declined payment is asked for again: `days` after the first failure for cards, `debit_days` for bank debits, rising.

    Bank debits are asked again only where there was not enough money. `hard_declines` are decline codes of Stripe's
    after which a method is never asked again, besides those the networks say so of. `at_end` is what becomes of the
    subscription when the last attempt has failed.
    """

    days: Days = RetryPolicy().days
    at_end: AtEnd = RetryPolicy().at_end
    debit_days: Days = RetryPolicy().debit_days
    hard_declines: Annotated[tuple[Code, ...], Meta(max_length=100)] = ()


PresetName = Annotated[str, Meta(max_length=40, examples=["stripe_8_in_14d"])]
Policy = Retries | PresetName


class ReplayAsked(Body, frozen=True):
    """A policy, or the name of a preset, and the local days on which invoices first failed; `after` is the `next` of the page before."""

    retries: Policy
    start_on: date
    end_on: date
    limit: Annotated[int, Meta(ge=1, le=MOST_INVOICES)] = 20
    after: Annotated[str, Meta(min_length=1, max_length=500)] | None = None


def list_(call: Call) -> Listed[Preset]:
    """The policies that have a name, and where their days come from."""
    del call
    return Listed(list(dunning.presets()), None)


def replay(call: Call, body: ReplayAsked) -> Replay:
    """How invoices that failed in the past would have gone under a policy, beside how they went; nothing is written."""
    after = None if body.after is None else uncursor(body.after)
    told = again.invoices(
        call.service,
        call.account.id,
        policy(body.retries, "retries"),
        body.start_on,
        body.end_on,
        limit=body.limit,
        after=after,
    )
    return replace(told, next=cursor(told.next))


def policy(given: Policy, param: str) -> RetryPolicy:
    """A policy as it is sent, or the preset of that name. Raises Invalid naming the field."""
    if isinstance(given, str):
        return dunning.preset(given, param)
    try:
        return RetryPolicy(
            days=given.days,
            at_end=given.at_end,
            debit_days=given.debit_days,
            hard_declines=given.hard_declines,
        )
    except Invalid as refused:
        raise Invalid(refused.code, refused.detail, f"{param}.{refused.param}") from None
