"""Draft the subscriptions of an order: what is wished, filled from the library, checked, and not yet written."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

from chalicelib.billing import instalments, issuing, money, orders, redemptions, ways
from chalicelib.billing import products as library
from chalicelib.billing.collection import AUTOMATICALLY, Collection, Method
from chalicelib.billing.currencies import check_currency
from chalicelib.billing.discounts import Coupon, Discount, PromotionCode, check_percent
from chalicelib.billing.errors import Invalid, NotFound
from chalicelib.billing.gateway import Refused
from chalicelib.billing.lines import Line
from chalicelib.billing.money import Money
from chalicelib.billing.orders import Giving, Plan
from chalicelib.billing.papers import Papers
from chalicelib.billing.periods import Frequency
from chalicelib.billing.rating import Fee, Levying
from chalicelib.billing.redemptions import Sale
from chalicelib.billing.statuses import Status
from chalicelib.billing.subscriptions import Subscription
from chalicelib.billing.summaries import recurring_of
from chalicelib.crm.accounts import Moment
from chalicelib.crm.companies import Company
from chalicelib.crm.contacts import Contact, PaymentMethod
from chalicelib.crm.profiles import Profile
from chalicelib.operations import fill, papers, parties, plan, tax
from chalicelib.operations.order import OWN, Draft, Ids, Order, Reduction, Surcharge
from chalicelib.operations.tax import Asked
from chalicelib.store.changes import Reading
from chalicelib.store.keys import Record


def drafted(found: Reading, at: Moment, order: Order, names: Ids, asked: Asked) -> Draft:
    """The subscriptions an order makes, all checked; `asked` answers for automatic taxes.

    Raises NotFound, Invalid naming the field to blame, and what `asked` raises.
    """
    return _Drafting(found, at, order, names, asked).run()


class _Drafting:
    """One order's way to its subscriptions."""

    def __init__(self, found: Reading, at: Moment, order: Order, names: Ids, asked: Asked) -> None:
        self.found, self.at, self.order, self.names, self.asked = found, at, order, names, asked
        self.account, self.today = at.account.id, at.day
        self.buyer = fill.named(found, Contact, self.account, order.contact, "contact")
        self.beside: list[Record] = []
        self.fees: list[Fee] = []

    def run(self) -> Draft:
        order = self.order
        self.currency = self._currency()
        self.method, self.collection = self._collected()
        self.fees = self._fees()
        self.company, self.papers = self._papers()
        plans = plan.lines(self.found, self.account, order, self.today)
        lines = self._saved(
            [fill.line(self.found, self.account, wish, n, order.taxes) for n, wish in enumerate(order.lines)],
            plans,
        )
        fill.check_size(lines)
        groups = self._groups(plans, lines)
        extras = [line for line, common in zip(lines, plans, strict=True) if common is None]
        if extras:
            groups = orders.with_extras(groups, extras, self.today)
        groups = orders.with_fees(groups, self.fees, self.today)
        groups = orders.discounted(groups, list(self._given(groups, lines)), self.today)
        groups = self._taxed(groups, lines)
        self._check_chargeable(groups)
        groups = self._scheduled(groups)
        return Draft(subscriptions=groups, beside=self.beside)

    def _currency(self) -> str:
        products = [
            fill.product_of(self.found, self.account, wish, n) for n, wish in enumerate(self.order.lines)
        ]
        known = {product.currency for product in products if product}
        currency = plan.one_of(known, self.order.currency, "currency") or self.at.account.currency
        check_currency(currency)
        return currency

    # -- subscriptions ----------------------------------------------------------------------------

    def _groups(self, plans: list[Plan | None], lines: list[Line]) -> list[Subscription]:
        grouped = orders.grouped(plans)
        if not grouped:
            detail = "Give at least one line that recurs; what is billed once goes with it."
            raise Invalid("nothing_recurring", detail, "lines")
        made = []
        for id_, (common, places) in zip(self.names.subscriptions, grouped.items(), strict=False):
            one = self._subscription(id_, common, tuple(lines[n] for n in places))
            at = f"lines[{places[0]}]." if self.order.apart else ""
            made.append(orders.taken_over(one, self.today, at) if common.skip else one)
        if self.order.apart and None in plans and min(one.next_on for one in made) > self.today:
            detail = "What is billed once is billed today, with a line that starts today; let one start now."
            raise Invalid("nothing_due_now", detail, "lines")
        return made

    def _subscription(self, id_: str, common: Plan, lines: tuple[Line, ...]) -> Subscription:
        business = self.at.account
        return Subscription(
            account=business.id,
            id=id_,
            contact=self.buyer.id,
            currency=self.currency,
            frequency=common.frequency,
            lines=lines,
            anchor_on=common.start_on,
            zone=business.zone,
            hour=business.billing_hour,
            status=Status.SCHEDULED if self.order.invoicing else Status.ACTIVE,
            created_at=self.at.now,
            name=self.order.name,
            reminder_days=business.reminder_days,
            payments=common.payments,
            method=self.method,
            automatic_tax=self.order.automatic_tax,
            collection=self.collection,
            record_only=not self.order.invoicing,
            company=self.company,
            papers=self.papers,
        )

    def _papers(self) -> tuple[str | None, Papers | None]:
        """In whose name it is billed, and how its documents are written."""
        named, wished = self.order.company, self.order.papers
        if named:
            fill.named(self.found, Company, self.account, named, "company")
        profile = self.found.find(Profile, self.account, self.account) or parties.unwritten(self.at.account)
        company = self.buyer.company if named == OWN else named
        return company, papers.checked(wished, profile, at="invoice_settings.") if wished else None

    def _collected(self) -> tuple[Method | None, Collection | None]:
        """The method it is charged on, and how it is collected where that is not automatically."""
        order, business = self.order, self.at.account
        if not order.invoicing:
            return self._recorded()
        how = ways.agreed(order.terms, self.currency, AUTOMATICALLY, online=business.accept_online)
        method = self._method(order.payment_method) if order.payment_method else None
        ways.check_method(how, method, named=method is not None)
        return method, None if how == AUTOMATICALLY else how

    def _recorded(self) -> tuple[None, None]:
        """Nothing is collected of what is only a record."""
        if not self.at.account.invoicing_can_be_off:
            detail = (
                "The account does not let invoices be switched off; let it with"
                " invoicing_can_be_off at POST /v1/account."
            )
            raise Invalid("invoicing_cannot_be_off", detail, "invoicing")
        order = self.order
        if order.payment_method or order.terms.says_something or order.schedule:
            param = "payment_method" if order.payment_method else "collection_method"
            detail = "Without invoices nothing is collected; leave out how."
            raise Invalid("nothing_collected", detail, param)
        return None, None

    def _method(self, id_: str) -> Method:
        saved = fill.named(self.found, PaymentMethod, self.account, id_, "payment_method")
        return method_of(saved, self.buyer.id)

    def _saved(self, lines: list[Line], plans: list[Plan | None]) -> list[Line]:
        """The lines; those to be saved are lines of the products that are made of them."""
        names = iter(self.names.products)
        made = list(lines)
        for n, (wish, common) in enumerate(zip(self.order.lines, plans, strict=True)):
            if wish.save:
                product = library.product_of(
                    lines[n],
                    next(names),
                    account=self.account,
                    currency=self.currency,
                    frequency=common.frequency if common else Frequency.ONE_TIME,
                    payments=common.payments if common else None,
                    now=self.at.now,
                )
                self.beside.append(product)
                made[n] = replace(lines[n], product=product.id)
        return made

    # -- fees, discounts, taxes -------------------------------------------------------------------

    def _fees(self) -> list[Fee]:
        """The fees asked for, or the account's, but for amounts in another currency."""
        if self.order.fees is None:
            own = self.at.account.fees
            return [fee for fee in own if fee.amount is None or fee.amount.currency == self.currency]
        return [self._fee(fee, f"fees[{n}]") for n, fee in enumerate(self.order.fees)]

    def _fee(self, fee: Surcharge, at: str) -> Fee:
        if not fee.name.strip():
            raise Invalid("fee_name_missing", "Give the fee a name: the buyer reads it.", f"{at}.name")
        _check_one(fee.percent, fee.amount, at)
        amount = None if fee.amount is None else Money(fee.amount, self.currency)
        return Fee(
            name=fee.name,
            types=fee.types,
            percent=fee.percent,
            amount=amount,
            taxes=fill.once_each(fee.taxes),
            once=fee.once,
        )

    def _given(self, groups: list[Subscription], lines: list[Line]) -> Iterator[Giving]:
        sale = Sale(
            contact=self.buyer.id,
            now=self.at.now,
            subtotal=orders.subtotal(groups, self.currency),
            products=frozenset(line.product for line in lines if line.product),
        )
        taken: set[str] = set()
        for n, wish in enumerate(self.order.discounts):
            at = f"discounts[{n}]"
            if wish.coupon is None and wish.code is None:
                yield self._one_off(wish, at)
                continue
            code, coupon, param = self._asked(wish, at)
            if coupon.id in taken:
                raise Invalid(
                    "coupon_twice", f"The coupon {coupon.id} is here already; leave one out.", param
                )
            redemptions.check(coupon, code, sale, param)
            taken.add(coupon.id)
            self.beside += [coupon.taken(), *([code.taken()] if code else [])]
            yield _giving(coupon, code)

    def _asked(self, wish: Reduction, at: str) -> tuple[PromotionCode | None, Coupon, str]:
        if wish.code is None:
            param = f"{at}.coupon"
            return None, fill.named(self.found, Coupon, self.account, wish.coupon or "", param), param
        param = f"{at}.promotion_code"
        code = self.found.find(PromotionCode, self.account, redemptions.code_id(wish.code))
        if code is None:
            raise NotFound("promotion_code_not_found", f"There is no promotion code {wish.code!r}.", param)
        return code, self.found.get(Coupon, self.account, code.coupon), param

    def _one_off(self, wish: Reduction, at: str) -> Giving:
        _check_one(wish.percent, wish.amount, at)
        amount = None if wish.amount is None else Money(wish.amount, self.currency)
        made = Discount(
            coupon="", name=wish.name or "Discount", percent=wish.percent, amount=amount, once=True
        )
        return lambda _: made

    def _taxed(self, groups: list[Subscription], lines: list[Line]) -> list[Subscription]:
        order = self.order
        named = [(id_, "taxes") for id_ in order.taxes]
        named += [(id_, f"lines[{n}].taxes") for n, line in enumerate(lines) for id_ in line.taxes]
        named += [(id_, f"fees[{n}].taxes") for n, fee in enumerate(self.fees) for id_ in fee.taxes]
        taxes = fill.copies(self.found, self.account, named)
        once = fill.copies(
            self.found, self.account, [(id_, "one_off_taxes") for id_ in order.one_off_taxes], once=True
        )
        for one in once:
            if one.id in {tax_.id for tax_ in taxes}:
                detail = f"{one.id} is on the lines already; leave it out here."
                raise Invalid("tax_twice", detail, "one_off_taxes")
        if order.automatic_tax:
            tax.check_automatic(lines, self.buyer, (*taxes, *once))
        return orders.with_taxes(groups, (*taxes, *once), self.today)

    def _check_chargeable(self, groups: list[Subscription]) -> None:
        try:
            for one in groups:
                check_chargeable(one, self.buyer, tax.levying(self.asked, one, self.buyer))
        except Refused as refused:
            raise Invalid(refused.code, refused.detail, "automatic_tax") from refused

    def _scheduled(self, groups: list[Subscription]) -> list[Subscription]:
        """What is billed first is split over days: of each subscription, in the same percents."""
        parts, made = self.order.schedule, list(groups)
        for n in orders.first_of(groups, self.today) if parts else ():
            one = groups[n]
            levy = tax.levying(self.asked, one, self.buyer)
            first = issuing.invoice_of(one, "", self.at.now, exemption=self.buyer.tax_exempt, levy=levy)
            instalments.planned(first.total, parts, max(self.today, one.next_on), "payment_schedule")
            made[n] = replace(one, schedule=parts)
        return made


def check_chargeable(wanted: Subscription, buyer: Contact, levy: Levying | None) -> None:
    """Refuse amounts that Stripe could never charge, while they can still be changed: of the first invoice, and of
    those after it, with the coupons that end and without.
    """
    later = recurring_of(wanted)
    lasting = tuple(one for one in later.discounts if one.until_on is None)
    for one in (wanted, *((later, replace(later, discounts=lasting)) if wanted.payments != 1 else ())):
        total = issuing.invoice_of(one, "", wanted.created_at, exemption=buyer.tax_exempt, levy=levy).total
        try:
            money.to_stripe(total)
        except Invalid as refused:
            raise Invalid(refused.code, refused.detail, "lines") from None
        largest = money.most_at_stripe(wanted.currency)
        if total.amount > largest:
            detail = f"Stripe charges at most {largest} minor units at once."
            raise Invalid("amount_too_large", detail, "lines")


def method_of(saved: PaymentMethod, contact: str) -> Method:
    """A saved method as a subscription keeps it. Raises Invalid where it is another contact's."""
    if saved.contact != contact:
        raise Invalid("method_of_another", "Another contact saved this payment method.", "payment_method")
    return Method(id=saved.id, customer=saved.customer, label=saved.label, type=saved.type)


def _giving(coupon: Coupon, code: PromotionCode | None) -> Giving:
    def give(on: date) -> Discount:
        return coupon.discount(on, code.code if code else None)

    return give


def _check_one(percent: Decimal | None, amount: int | None, at: str) -> None:
    if (percent is None) is (amount is None):
        raise Invalid("amount_ambiguous", "Give a percent or an amount, one of them.", at)
    if percent is not None:
        check_percent(percent, f"{at}.percent")
    if amount is not None and not 0 < amount < 10**12:
        raise Invalid("amount_out_of_range", "Give an amount of at least one minor unit.", f"{at}.amount")
