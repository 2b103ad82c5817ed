"""Change what a running subscription sells: at once, with the rest of its period settled, or with its next cycle."""

from dataclasses import dataclass, replace
from typing import Final

from chalicelib.billing import edits, issuing, proration
from chalicelib.billing.credits import CreditNote
from chalicelib.billing.currencies import MINIMUM_CHARGE
from chalicelib.billing.discounts import Coupon
from chalicelib.billing.edits import Edit, Library, Wanted
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money, smallest_at_stripe
from chalicelib.billing.numbering import Series
from chalicelib.billing.orders import Wish
from chalicelib.billing.periods import Period
from chalicelib.billing.products import Product
from chalicelib.billing.proration import Proration, Settlement
from chalicelib.billing.subscriptions import Change, Subscription
from chalicelib.billing.summaries import recurring_of
from chalicelib.billing.tax import TaxRate
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.contacts import Contact
from chalicelib.operations import act, credit, draft, fill, renew, standing, tax, tell
from chalicelib.operations.tax import Asked
from chalicelib.operations.together import nudge
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.bookkeeping import Alias
from chalicelib.store.changes import Changeset, Reading

# Of the hundred of a transaction two are left for a link of the subscription and the request's name.
MAX_ITEMS: Final = 98
REASON: Final = "Changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePreview:
    """What a change would do: the subscription after it, what is given back and charged at once, and the next invoice.

    `amount_due` is what would be asked for at once. Numbers are the next as they stand now; that of the next invoice is
    not known, and empty.
    """

    subscription: Subscription
    credit_notes: tuple[CreditNote, ...]
    invoice: Invoice | None
    next_invoice: Invoice | None
    amount_due: Money


def subscription(service: Service, account: str, id_: str, wanted: Wanted) -> Subscription:
    """Change it; one that is so already stays as it is. Raises NotFound, Invalid or WrongState."""

    asked = tax.at_once(service)

    def attempt(name: str) -> Subscription:
        changes, at = read(service, account, id_, wanted)
        after = folded(changes, id_, wanted, at, asked)
        if not changes.changed:
            return after
        changes.put(Alias(account=account, id=name, target=id_))
        written = service.store.commit(changes)
        nudge(service, changes.get(Account, account), written.unparked())
        return written.get(Subscription, account, id_)

    return act.once(service, account, id_, attempt)


def preview(service: Service, account: str, id_: str, wanted: Wanted) -> ChangePreview:
    """The same, worked out and not written."""
    asked = tax.at_once(service)
    changes, at = read(service, account, id_, wanted)
    after = folded(changes, id_, wanted, at, asked)
    issued = _issued(changes)
    following = None if edits.ends(after) or after.record_only else _next(changes, after, at, asked)
    due = following if following and at.now >= after.next_at else issued
    return ChangePreview(
        subscription=after,
        credit_notes=tuple(one for one in changes.changed.values() if isinstance(one, CreditNote)),
        invoice=issued,
        next_invoice=following,
        amount_due=due.amount_due if due else Money.zero(after.currency),
    )


def _issued(changes: Changeset) -> Invoice | None:
    """The invoice that is new in the changeset."""
    made = (one for one in changes.changed.values() if isinstance(one, Invoice))
    return next((one for one in made if not one.version), None)


def _next(changes: Changeset, after: Subscription, at: Moment, asked: Asked) -> Invoice:
    """The invoice of the next cycle, as it is billed if nothing else happens before; it has no number yet."""
    buyer, then = changes.get(Contact, after.contact), after.taking_effect()
    return issuing.invoice_of(
        then,
        "",
        max(at.now, after.next_at),
        balance=buyer.balance(after.currency).amount,
        exemption=buyer.tax_exempt,
        levy=tax.levying(asked, then, buyer),
    )


# What is read.


def read(service: Service, account: str, id_: str, wanted: Wanted) -> tuple[Changeset, Moment]:
    """All that a change may touch: the subscription, what its period was invoiced with, and what is new in it."""
    own = [keys.key(Account, account, account), keys.key(Subscription, account, id_)]
    products = [keys.key(Product, account, name) for name in _products(wanted)]
    coupons = [keys.key(Coupon, account, name) for name in wanted.coupons or ()]
    found = service.store.load(account, [*own, *products, *coupons])
    before = found.get(Subscription, account, id_)
    further = [
        *renew.buyers(before),
        keys.key(Series, account, renew.SERIES),
        keys.key(Series, account, credit.SERIES),
        *(keys.key(TaxRate, account, name) for name in _rates(wanted, found)),
    ]
    found.add(service.store.load(account, further))
    standing.read(service, before, found)
    return Changeset(account, found), Moment(found.get(Account, account, account), service.real())


def _products(wanted: Wanted) -> list[str]:
    asked = (one for one in wanted.lines or () if isinstance(one, Wish))
    return [one.line.product for one in asked if one.line.product]


def _rates(wanted: Wanted, found: Reading) -> list[str]:
    """The names of the tax rates that are wished for, or come with a product."""
    names: dict[str, None] = {}
    for one in wanted.lines or ():
        names |= dict.fromkeys(one.values.get("taxes", ()) if isinstance(one, Edit) else one.taxes or ())
    products = (record for record in found.records.values() if isinstance(record, Product))
    return list(names | {name: None for product in products for name in product.taxes})


# What is decided.


def folded(changes: Changeset, id_: str, wanted: Wanted, at: Moment, asked: Asked) -> Subscription:
    """Fold the change and all that comes of it into the changeset, which holds its period; the subscription as it will be.

    Raises NotFound, Invalid or WrongState, with the changeset to be thrown away.
    """
    before = changes.get(Subscription, id_)
    edits.check_changeable(before, at.now, wanted)
    library = _library(changes, wanted)
    change = edits.wished(before, wanted, library, at.now)
    fill.check_size(change.lines or ())
    if before.automatic_tax and change.lines:
        tax.check_automatic(change.lines, changes.get(Contact, before.contact), before.changed(change).taxes)
    if not before.cycle:
        after = _before_the_first(before, change)
    elif wanted.proration is Proration.NONE:
        after = _with_the_next(before, change)
    elif change.frequency:
        after = _begun_anew(changes, before, change, at)
    else:
        after = _settled(changes, before, change, wanted.proration, at, asked=asked)
    if after != before:
        _check_chargeable(changes, after, at, asked)
        changes.put(*edits.taken(before, change, library))
        _state(changes, before, after, at)
    return after


def _check_chargeable(changes: Changeset, after: Subscription, at: Moment, asked: Asked) -> None:
    """Refuse what Stripe could never charge, with the next invoice or as it recurs; what automatic taxes come to is not known yet.

    Raises Invalid.
    """
    if after.automatic_tax or after.record_only or edits.ends(after):
        return
    draft.check_chargeable(recurring_of(after.taking_effect()), changes.get(Contact, after.contact), None)
    due, step = _next(changes, after, at, asked).amount_due, smallest_at_stripe(after.currency)
    if due.amount % step:
        detail = (
            f"The next invoice would ask for {due.amount} minor units of {due.currency}, which Stripe takes in"
            f" multiples of {step}; send proration none, or other amounts."
        )
        raise Invalid("amount_not_chargeable", detail, "proration")


def _library(changes: Changeset, wanted: Wanted) -> Library:
    named = [(n, one.line.product) for n, one in enumerate(wanted.lines or ()) if isinstance(one, Wish)]
    products = {
        name: fill.named(changes.before, Product, changes.account, name, f"lines[{n}].product")
        for n, name in named
        if name
    }
    rates = {name: rate for name in _rates(wanted, changes.before) if (rate := changes.find(TaxRate, name))}
    coupons = {name: coupon for name in wanted.coupons or () if (coupon := changes.find(Coupon, name))}
    return Library(products=products, rates=rates, coupons=coupons)


def _before_the_first(before: Subscription, change: Change) -> Subscription:
    """Nothing has been billed that would have to be settled."""
    after = before.changed(change)
    return after.restarted(before.next_on, change.frequency) if change.frequency else after


def _with_the_next(before: Subscription, change: Change) -> Subscription:
    if change == Change():
        return before.changing(None)
    edits.check_next(before)
    return before.changing(change)


def _begun_anew(changes: Changeset, before: Subscription, change: Change, at: Moment) -> Subscription:
    """The rest of the period is given back, and one of another length begins today."""
    edits.check_restart(before)
    on = before.day(at.now)
    rest = proration.ended(standing.of(changes, before), on)
    after = _credited(changes, before, rest, at).changed(change)
    after = replace(after, extras=rest.extras, settled_on=on)
    return after.restarted(on, change.frequency or before.frequency)


def _settled(
    changes: Changeset, before: Subscription, change: Change, how: Proration, at: Moment, *, asked: Asked
) -> Subscription:
    """The lines that change are given back and charged for the rest of the period."""
    becomes = before.changed(change)
    period = standing.of(changes, before)
    rest = proration.changed(
        period,
        before.lines,
        becomes.lines,
        before.day(at.now),
        currency=before.currency,
        discounts=None if change.coupons is None else [one for one in change.coupons if not one.once],
        taxes=({tax.id: tax for tax in before.taxes}, {tax.id: tax for tax in becomes.taxes}),
    )
    after = _credited(changes, before, rest, at).changed(change)
    # Of a period that was made shorter only the days up to its end are settled: made longer again it has no more of them.
    settled_on = period.settles_to if rest.credits or rest.debits else before.settled_on
    after = replace(after, extras=rest.extras, settled_on=settled_on)
    if not rest.debits:
        return after
    if how is Proration.INVOICE_NOW and (charged := _charged(changes, after, rest.debits, at, asked)):
        return charged
    edits.check_next(after)
    return replace(after, extras=(*after.extras, *rest.debits))


def _credited(changes: Changeset, before: Subscription, rest: Settlement, at: Moment) -> Subscription:
    """Issue the credit notes; what they take off may be all the subscription was past due with."""
    for invoice, parts in rest.credits:
        credit.fold_wanted(changes, invoice, parts, at, reason=REASON)
    return changes.get(Subscription, before.id)


def _charged(
    changes: Changeset, after: Subscription, debits: tuple[Line, ...], at: Moment, asked: Asked
) -> Subscription | None:
    """Charge the rest of the period on an invoice now; None where Stripe would not take so little, and more is to come."""
    buyer, series = changes.get(Contact, after.contact), renew.numbers(changes, at)
    share = debits[0].share
    if share is None:
        raise AssertionError(f"{after.id}: what is charged for the rest of a period has no part of it")
    invoice = issuing.issued(
        after,
        debits,
        Period(share.start_on, share.end_on),
        series.number,
        at.now,
        balance=buyer.balance(after.currency).amount,
        exemption=buyer.tax_exempt,
        levy=tax.levying(asked, after, buyer),
        besides=True,
    )
    if not edits.ends(after) and not _chargeable(invoice.amount_due):
        return None
    renew.opened(changes, invoice, buyer, series, at)
    return after.charged_besides()


def _chargeable(due: Money) -> bool:
    """Whether Stripe takes an amount by itself, or there is nothing to take."""
    least, step = MINIMUM_CHARGE.get(due.currency, 0), smallest_at_stripe(due.currency)
    return not due or (due.amount >= least and due.amount % step == 0)


def _state(changes: Changeset, before: Subscription, after: Subscription, at: Moment) -> None:
    """Write the subscription and its fact; a clock that stands still catches up with what is due."""
    changes.put(after)
    about = {"contact": before.contact, "subscription": before.id}
    if invoice := _issued(changes):
        about["invoice"] = invoice.id
    tell.changed(changes, before, after, about, at)
    if at.account.clock is not None and any(at.awake(record.wake) for record in changes.changed.values()):
        changes.put(at.account.catching_up())
    if len(changes) > MAX_ITEMS:
        detail = "This would credit more invoices than can be written together; send proration none."
        raise WrongState("change_too_large", detail)
