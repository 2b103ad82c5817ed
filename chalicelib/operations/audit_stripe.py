"""What an audit finds between an account's records and Stripe, and between both and the books."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from chalicelib.billing import audits, laws
from chalicelib.billing.audits import Code, Finding, Part
from chalicelib.billing.disputes import Dispute
from chalicelib.billing.errors import Invalid
from chalicelib.billing.gateway import Refused, Span
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.refunds import Refund
from chalicelib.operations import books
from chalicelib.operations.audit_records import Looking, of, part_of, read

SKEW: Final = timedelta(minutes=10)
FEW: Final = 10
"""A page of Stripe's takes as long as so many single questions."""


def payments(looking: Looking, after: str | None) -> Part:
    look = looking.look("payment", after)
    found = of(look, Payment)
    waiting = [one for one in found if one.open]
    beside = looking.load(Invoice, {part.invoice for one in waiting for part in one.allocations})

    def findings() -> Iterator[Finding]:
        for one in waiting:
            owed = [read(beside, Invoice, one.account, part.invoice) for part in one.allocations]
            yield from audits.payment(one, owed)
        taken = [one for one in found if one.status in audits.TAKEN and one.reference and one.request]
        yield from _uncharged(looking, taken)

    return part_of(looking, "payments", look, findings())


def _uncharged(looking: Looking, taken: list[Payment]) -> Iterator[Finding]:
    """The payments of which Stripe knows nothing: listed together, and asked for one by one where the listing has them not."""
    if not taken:
        return
    sent = [one.sent_at for one in taken]
    span = Span(since=min(sent) - SKEW, until=max(sent) + SKEW)
    listed = _listed(looking, span, {one.reference for one in taken if one.reference})
    for one in taken:
        if one.reference is None or one.reference in listed:
            continue
        try:
            looking.service.gateway.fetch(one.reference)
        except Refused:
            yield audits.uncharged(one)


def _listed(looking: Looking, span: Span, wanted: set[str]) -> set[str]:
    """Those of the wanted charges that Stripe made in a span, as long as a page of them brings more than asking for each would."""
    found: set[str] = set()
    after, pages = None, 0
    while len(wanted & found) >= FEW * pages:
        charges, after = looking.service.gateway.charges(after, span)
        found |= {one.reference for one in charges}
        pages += 1
        if after is None:
            break
    return found


def charges(looking: Looking, after: str | None) -> Part:
    """What Stripe has charged. The position begins with whether all of it so far was this account's."""
    alone, _, after = (after or "alone|").partition("|")
    charges, next_ = looking.service.gateway.charges(after or None)
    ours = [one for one in charges if one.metadata.get("account") == looking.account]
    names = {one.metadata.get("payment", "") for one in ours}
    beside = looking.load(Payment, names - {""})

    def findings() -> Iterator[Finding]:
        for one in ours:
            name = one.metadata.get("payment", "a payment without a name")
            yield from audits.charge(one, read(beside, Payment, looking.account, name), name)

    alone = alone if len(ours) == len(charges) else "shared"
    position = f"{alone}|{next_}" if next_ else f">{alone}|"
    return Part(findings=tuple(findings()), looked={"charges": len(ours)}, position=position)


def refunds(looking: Looking, after: str | None) -> Part:
    alone, _, after = (after or "alone|").partition("|")
    told, next_ = looking.service.gateway.refunds(after or None)
    ours = [one for one in told if one.metadata.get("account", looking.account) == looking.account]
    names = {one.reference: one.metadata.get("refund") or one.reference for one in ours}
    beside = looking.load(Refund, {*names.values(), *names})
    known = {one.reference: one for one in beside.records.values() if isinstance(one, Refund)}
    here = {
        one.reference: read(beside, Refund, looking.account, names[one.reference]) or known.get(one.reference)
        for one in ours
    }
    said = {one.intent: one.metadata.get("payment", "") for one in ours}
    said |= {one.intent: kept.payment for one in ours if (kept := here[one.reference])}
    payments = _by_reference(looking, said)

    def findings() -> Iterator[Finding]:
        for one in ours:
            yield from audits.refund(one, here[one.reference], payments.get(one.intent))

    position = f"{alone}|{next_}" if next_ else f">{alone}|"
    return Part(findings=tuple(findings()), looked={"refunds_at_stripe": len(ours)}, position=position)


def disputes(looking: Looking, after: str | None) -> Part:
    alone, _, after = (after or "alone|").partition("|")
    told, next_ = looking.service.gateway.disputes(after or None)
    beside = looking.load(Dispute, {one.id for one in told})
    here = {one.id: read(beside, Dispute, looking.account, one.id) for one in told}
    said = {one.intent: kept.payment if (kept := here[one.id]) else "" for one in told}
    payments = _by_reference(looking, said)

    def findings() -> Iterator[Finding]:
        for one in told:
            yield from audits.dispute(one, here[one.id], payments.get(one.intent))

    position = f"{alone}|{next_}" if next_ else f">{alone}|"
    return Part(findings=tuple(findings()), looked={"disputes_at_stripe": len(told)}, position=position)


def _by_reference(looking: Looking, said: Mapping[str, str]) -> dict[str, Payment]:
    """The account's payments by their charge at Stripe, each with the payment it is said to be: only where that is not so is Stripe asked."""
    beside = looking.load(Payment, set(said.values()) - {""})
    kept = {one.reference: one for one in beside.records.values() if isinstance(one, Payment)}
    found = {intent: kept[intent] for intent in said if intent in kept}
    named = {}
    for intent in said.keys() - found.keys() - {""}:
        try:
            about = looking.service.gateway.metadata(intent)
        except Refused:
            continue
        if about.get("account") == looking.account and "payment" in about:
            named[intent] = about["payment"]
    beside = looking.load(Payment, set(named.values()))
    asked = {intent: read(beside, Payment, looking.account, name) for intent, name in named.items()}
    return found | {intent: one for intent, one in asked.items() if one is not None}


def against_books(looking: Looking, after: str | None) -> Part:
    """Everything at once, as far as it fits; and Stripe's balance, where nobody else uses it."""
    service, business = looking.service, looking.at.account
    try:
        kept = books.kept(service, business)
    except Invalid as too_large:
        return Part(unchecked=(f"The books: {too_large.detail}",))
    findings = [
        Finding(code=Code.BOOKS_BROKEN, subject=told.partition(" ")[0], detail=told) for told in _broken(kept)
    ]
    alone = (after or "").partition("|")[0] == "alone"
    if alone:
        findings += _against_balance(looking, books.cash(kept))
    unchecked = () if alone else ("Stripe's balance: others are paid through the same Stripe account.",)
    return Part(findings=tuple(findings), looked={"entries": len(kept.events)}, unchecked=unchecked)


def _broken(kept: laws.Kept) -> list[str]:
    """What does not hold; records that cannot even be added up are that too."""
    try:
        return laws.broken(kept)
    except Invalid as odd:
        return [f"books: the records cannot be added up: {odd.detail}"]


def _against_balance(looking: Looking, cash: dict[str, int]) -> Iterator[Finding]:
    held = {one.currency: one.amount for one in looking.service.gateway.balance()}
    for currency in sorted(held.keys() | cash.keys()):
        there, here = held.get(currency, 0), cash.get(currency, 0)
        if there != here:
            detail = (
                f"Stripe holds or has paid out {there} {currency} (minor units), the cash book has {here}."
            )
            yield Finding(code=Code.BALANCE_DIFFERS, subject=currency, detail=detail)
