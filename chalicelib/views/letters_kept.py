"""Letters about a subscription itself: its method asked for, changed or expiring; sent, begun, changed, ended."""

from collections.abc import Iterable
from datetime import date

from chalicelib.billing import differences, money
from chalicelib.billing.differences import Rate, Terms, Was
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.contacts import PaymentMethod
from chalicelib.views import bills, formats
from chalicelib.views.letter_cases import Case
from chalicelib.views.letter_sheets import Fact, Told, business, facts, method_of, sold
from chalicelib.views.letters_paid import goes_on, what_is_next


def method_asked(case: Case, subscription: Subscription) -> Told:
    """The business asks for another payment method: for what, and what is paid with it."""
    label = method_of(subscription, case)
    return Told(
        texts="payment_method" if subscription.method else "payment_method.first",
        values=_values(case, method=label),
        amount=label,
        facts=_facts(case, method=label),
        link=case.link,
    )


def method_updated(case: Case, subscription: Subscription) -> Told:
    """Another method is charged from now on: whoever did not ask for that should know."""
    label = method_of(subscription, case)
    return Told(
        texts="method_updated",
        values=_values(case, method=label, next=what_is_next(case, subscription)),
        amount=label,
        facts=_facts(case, method=label),
        link=case.link,
    )


def card_expiring(case: Case, subscription: Subscription, method: PaymentMethod) -> Told:
    """The card will not be good any more: which one, until when, and what is paid with it."""
    label = formats.name(method.label)
    expires = f"{method.exp_month or 0:02d}/{method.exp_year or 0}"
    next_on = case.reader.day(subscription.next_on) if goes_on(subscription) else ""
    return Told(
        texts="card_expiring",
        values=_values(case, method=label, expires=expires),
        amount=label,
        facts=_facts(case, method=label, expires=expires, next_payment=next_on),
        link=case.link,
    )


def sent(case: Case, subscription: Subscription) -> Told:
    """A subscription waits for its buyer to accept it: what is in it, and what its first invoice comes to."""
    return _sold(case, subscription, "subscription_sent", "")


def subscribed(case: Case, subscription: Subscription) -> Told:
    """A subscription was begun: what is in it, what it comes to, and when it is paid."""
    return _sold(case, subscription, "subscribed", what_is_next(case, subscription))


def _sold(case: Case, subscription: Subscription, texts: str, next_: str) -> Told:
    reader = case.reader
    invoice = bills.next_invoice(subscription, case.parties.contact, case.now)
    amount = reader.money(invoice.total)
    if subscription.automatic_tax:
        amount = reader.word("letter.before_tax", amount=amount)
    return Told(
        texts=texts,
        values=_values(case, amount=amount, method=method_of(subscription, case), next=next_),
        amount=amount,
        bills=(bills.bill(invoice, reader.word("bill.what_for"), reader),),
        facts=_facts(
            case,
            frequency=reader.word(f"frequency.{subscription.frequency.value}"),
            date=reader.day(subscription.next_on),
            method="" if subscription.sends else method_of(subscription, case),
        ),
        link=case.link,
    )


def changed(case: Case, subscription: Subscription) -> Told:
    """A subscription was changed: from what to what, from when on, and what was charged or credited for it."""
    later = subscription.change is not None and not case.more.get("was")
    after = subscription.taking_effect() if later else subscription
    was = differences.was(subscription, after) if later else differences.read(case.more.get("was", ""))
    on = subscription.next_on if later else _day(case, "changed_on")
    return Told(
        texts="changed.later" if later else "changed",
        values=_values(case, day=case.reader.day(on), next=what_is_next(case, after)),
        bills=tuple(bills.bill(invoice, reader=case.reader) for invoice in case.invoices),
        facts=(
            *_changes(case, was, after),
            *_facts(case, effective_on=case.reader.day(on), credited=_credited(case, subscription)),
        ),
        link=case.link,
    )


def _changes(case: Case, was: Was, after: Subscription) -> tuple[Fact, ...]:
    reader = case.reader
    lines = {line.id: differences.terms(line) for line in after.lines}
    told = [_line(case, one, lines.get(id_), after.currency) for id_, one in was.lines]
    if was.frequency:
        now = reader.word(f"frequency.{after.frequency.value}")
        told.append(_change(case, "frequency", reader.word(f"frequency.{was.frequency}"), now))
    if was.next_on:
        told.append(_change(case, "next_on", reader.day(was.next_on), reader.day(after.next_on)))
    if was.collection:
        now = reader.word(f"collection.{after.collects.way.value}")
        told.append(_change(case, "collection", reader.word(f"collection.{was.collection}"), now))
    if was.discounts is not None:
        had, has = (reader.row(map(formats.name, some)) for some in (was.discounts, differences.names(after)))
        told.append(_change(case, "discounts", had, has))
    if was.taxes is not None:
        had, has = (_rates(case, some) for some in (was.taxes, differences.rates(after)))
        told.append(_change(case, "taxes", had, has))
    return tuple(told)


def _rates(case: Case, taxes: Iterable[Rate]) -> str:
    reader = case.reader
    return reader.row(
        reader.word("bill.discount", name=formats.name(name), percent=reader.percent(percent))
        for name, percent in taxes
    )


def _line(case: Case, was: Terms | None, now: Terms | None, currency: str) -> Fact:
    reader = case.reader
    if now is None:
        said = _terms(case, was, currency) if was else ""
        return formats.name(was.name if was else ""), reader.word("letter.change.removed", terms=said)
    label = formats.name(now.name)
    if was is None:
        return label, reader.word("letter.change.added", terms=_terms(case, now, currency))
    before, after = _terms(case, was, currency), _terms(case, now, currency)
    if was.name != now.name:
        before, after = (
            reader.row((formats.name(one.name), said)) for one, said in ((was, before), (now, after))
        )
    return label, reader.word("letter.change.from_to", before=before, after=after)


def _terms(case: Case, one: Terms, currency: str) -> str:
    if one.unit_amount is not None:
        price = bills.times(one.quantity, one.unit_amount, currency, case.reader)
    elif one.steps:
        price = bills.by_tiers(one.quantity, one.steps, currency, case.reader)
    else:
        price = case.reader.quantity(one.quantity)
    return case.reader.row((price, *(bills.less(off, currency, case.reader) for off in one.discounts)))


def _change(case: Case, label: str, before: str, after: str) -> Fact:
    none = case.reader.word("letter.change.none")
    said = case.reader.word("letter.change.from_to", before=before or none, after=after or none)
    return case.reader.word(f"letter.change.{label}"), said


def canceled(case: Case, subscription: Subscription) -> Told:
    """A subscription has ended, or will: when, and what is still owed for it, or was given back."""
    reader = case.reader
    due = money.total((invoice.amount_due for invoice in case.invoices), subscription.currency)
    owed = reader.money(due) if due else ""
    later = subscription.ended_at is None
    on = subscription.ends_on if later else None
    day = reader.day(on or _ended_on(subscription))
    expired = subscription.status is Status.EXPIRED
    return Told(
        texts="canceled.later" if later else "canceled.expired" if expired else "canceled",
        values=_values(
            case,
            day=day,
            owed=reader.word("letter.owed.some", amount=owed) if due else reader.word("letter.owed.none"),
        ),
        facts=_facts(
            case,
            **{"ends_on" if later else "ended_on": day},
            still_owed=owed,
            credited=_credited(case, subscription),
        ),
        link=case.link if due else "",
    )


def _credited(case: Case, subscription: Subscription) -> str:
    """What was given back with it."""
    back = money.total((note.total for note in case.notes), subscription.currency)
    return case.reader.money(back) if back else ""


def _ended_on(subscription: Subscription) -> date:
    if subscription.ended_at is None:
        return subscription.next_on
    return subscription.day(subscription.ended_at)


def quote_expiring(case: Case) -> Told:
    """A quote is good for a few days more."""
    day, quote = case.reader.day(_day(case, "expires_on")), formats.name(case.more.get("quote", ""))
    return Told(
        texts="quote_expiring",
        values=_values(case, day=day, quote=quote),
        amount=quote,
        facts=(
            *facts(case, to_be_paid_to=business(case), quote=quote),
            *facts(case, expires_on=day),
        ),
        link=case.link,
    )


def _day(case: Case, name: str) -> date:
    """A day that the event tells; today where it tells none."""
    said = case.more.get(name)
    return date.fromisoformat(said) if said else case.today


def _values(case: Case, **more: str) -> dict[str, str]:
    return {"business": business(case), "subscription": sold(case), **more}


def _facts(case: Case, **said: str) -> tuple[Fact, ...]:
    return facts(case, to_be_paid_to=business(case), subscription=sold(case), **said)
