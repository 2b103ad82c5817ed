"""The ways in which a subscription's money is collected: what goes together as it is sold, and switched later."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chalicelib.billing.collection import (
    AUTOMATICALLY,
    AddressType,
    Collection,
    CollectionMethod,
    Method,
    MethodType,
    check_types,
)
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How money is to be collected, as it is asked for; None leaves a term as it is, or to the account."""

    way: CollectionMethod | None = None
    days_until_due: int | None = None
    online: bool | None = None
    types: tuple[MethodType, ...] | None = None
    addresses: tuple[AddressType, ...] | None = None
    save_method: bool | None = None

    @property
    def says_something(self) -> bool:
        """Whether anything is asked for."""
        return self != Terms()


def agreed(terms: Terms, currency: str, before: Collection, *, online: bool) -> Collection:
    """The terms with those of before where nothing is said; another way begins with its own. Raises Invalid.

    `online` is the account's choice for what is sent. What is charged automatically is always paid online.
    """
    way = terms.way or before.way
    same = way is before.way
    sent = way is CollectionMethod.SEND_INVOICE
    days = before.days_until_due if same else 0
    given = before.online if same else online or not sent
    types = before.types if terms.types is None else tuple(dict.fromkeys(terms.types))
    check_types(types, currency, "accepted_types")
    return Collection(
        way=way,
        days_until_due=days if terms.days_until_due is None else terms.days_until_due,
        online=given if terms.online is None else terms.online,
        types=types,
        addresses=before.addresses if terms.addresses is None else tuple(dict.fromkeys(terms.addresses)),
        save_method=before.save_method if terms.save_method is None else terms.save_method,
    )


def check_method(how: Collection, method: Method | None, *, named: bool) -> None:
    """Refuse a way without the method it needs, or with one it has no use for. Raises Invalid.

    `method` is what it would be charged on, `named` whether the request names it.
    """
    if how.way is not CollectionMethod.CHARGE_AUTOMATICALLY:
        if named:
            detail = (
                "It is paid by invoice: leave the payment method out, or send collection_method"
                " charge_automatically."
            )
            raise Invalid("method_not_charged", detail, "payment_method")
        return
    if method is None or method.refused:
        detail = (
            "Name a payment method that the contact has saved, or send collection_method"
            " charge_after_first_invoice or send_invoice."
        )
        raise Invalid("method_missing", detail, "payment_method")
    if named:
        check_accepted(how.types, method.type)


def check_accepted(types: Sequence[MethodType], type_: str) -> None:
    """Refuse a method whose type is not accepted; none are named where all are. Raises Invalid."""
    if types and type_ not in types:
        detail = f"It is a {type_}; accepted here are {', '.join(types)}."
        raise Invalid("type_not_accepted", detail, "payment_method")


def check_billed(subscription: Subscription) -> None:
    """Raises WrongState where it is only a record."""
    if subscription.record_only:
        detail = "Its invoices are made elsewhere; nothing is collected here."
        raise WrongState("record_only", detail)


def switched(before: Subscription, terms: Terms, method: Method | None, *, online: bool) -> Subscription:
    """Later invoices are collected in another way, or by other terms; `method` is one it is charged on from now on.

    What was issued before stays as it was: due by its own terms, or charged on its schedule. Charged after its first
    invoice it forgets a method it had: the next payment leaves another. Raises Invalid or WrongState.
    """
    check_billed(before)
    if not before.billable:
        raise WrongState("subscription_ended", f"The subscription is {before.status}: nothing is to come.")
    if not terms.says_something and method is None:
        detail = "Say what is to be other: collection_method, days_until_due, accept_online, accepted_types, collect_addresses or save_payment_method."
        raise Invalid("nothing_to_change", detail, "collection_method")
    how = agreed(terms, before.currency, before.collects, online=online)
    check_method(how, method or before.method, named=method is not None)
    after = replace(before, collection=None if how == AUTOMATICALLY else how)
    if how.way is CollectionMethod.CHARGE_AFTER_FIRST_INVOICE and how.way is not before.collects.way:
        after = replace(after, method=None)
    if after.sends and before.status is Status.UNPAID:
        after = replace(after, status=Status.PAUSED if before.paused_on else Status.PAST_DUE)
    return after
