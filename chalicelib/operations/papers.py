"""How the documents of a subscription are written, and in whose name: checked, and changed while it runs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from chalicelib.billing.errors import Invalid
from chalicelib.billing.events import EventType
from chalicelib.billing.papers import CustomField, Papers
from chalicelib.billing.subscriptions import Subscription
from chalicelib.crm.accounts import Account, Moment
from chalicelib.crm.companies import Company
from chalicelib.crm.profiles import Profile
from chalicelib.operations import act, checks, fill, parties, publish
from chalicelib.service import Service
from chalicelib.store import keys
from chalicelib.store.changes import Changeset, not_found
from chalicelib.views import comments

MOST_FIELDS: Final = 10
MOST_LABEL: Final = 40
MOST_VALUE: Final = 140
COMPANY: Final = "company"


def change(service: Service, account: str, id_: str, given: Mapping[str, Any]) -> Subscription:
    """Its later invoices are written so: fields of Papers by name, or another `company`, None for the contact alone.

    What was issued before stays as it is. Raises NotFound or Invalid.
    """
    company = given.get(COMPANY)
    wanted = [keys.key(Account, account, account), keys.key(Subscription, account, id_)]
    wanted += [
        keys.key(Profile, account, account),
        *([keys.key(Company, account, company)] if company else []),
    ]

    def attempt(name: str) -> Subscription:
        found = service.store.load(account, wanted)
        before = found.get(Subscription, account, id_)
        if before.deleted_at is not None:
            raise not_found(Subscription, id_)
        if company:
            fill.named(found, Company, account, company, COMPANY)
        at = Moment(found.get(Account, account, account), service.real())
        profile = found.find(Profile, account, account) or parties.unwritten(at.account)
        after = _after(before, given, profile)
        if after == before:
            return before
        changes = Changeset(account, found)
        changes.put(after)
        about = {"contact": before.contact, "subscription": before.id}
        publish.fact(changes, EventType.SUBSCRIPTION_PAPERS, before, about, at)
        return act.committed(service, changes, after, at, name)

    return act.once(service, account, id_, attempt)


def _after(before: Subscription, given: Mapping[str, Any], profile: Profile) -> Subscription:
    said = {name: value for name, value in given.items() if name != COMPANY}
    wanted = checked(replace(before.papers or Papers(), **said), profile, given=said)
    company = given.get(COMPANY, before.company)
    return replace(before, papers=wanted, company=company)


def checked(
    papers: Papers, profile: Profile, *, given: Mapping[str, Any] | None = None, at: str = ""
) -> Papers | None:
    """How documents are written, as it is kept; None where nothing of it says anything.

    What is not `given` is not looked at again; `at` is what the fields are of. Raises Invalid, naming the field.
    """
    said = Papers.__dataclass_fields__ if given is None else given
    made = {
        name: check(getattr(papers, name), f"{at}{name}", profile)
        for name, check in CHECKS.items()
        if name in said
    }
    after = replace(papers, **made)
    return None if after == Papers() else after


def _tax_ids(values: tuple[str, ...], param: str, profile: Profile) -> tuple[str, ...]:
    known = [one.value for one in profile.tax_ids]
    for n, value in enumerate(values):
        if value not in known:
            detail = f"The profile has no tax id {value[:50]!r}; it has {', '.join(known) or 'none'}."
            raise Invalid("unknown_tax_id", detail, f"{param}[{n}]")
    return tuple(dict.fromkeys(values))


def _custom_fields(given: tuple[CustomField, ...], param: str, _: Profile) -> tuple[CustomField, ...]:
    if len(given) > MOST_FIELDS:
        raise Invalid("too_many_custom_fields", f"At most {MOST_FIELDS}.", param)
    for n, one in enumerate(given):
        for name, most in (("label", MOST_LABEL), ("value", MOST_VALUE)):
            text = checks.text(getattr(one, name), f"{param}[{n}].{name}")
            if len(text) > most:
                raise Invalid("text_too_long", f"At most {most} characters.", f"{param}[{n}].{name}")
    return tuple(given)


def _comments(text: str, param: str, profile: Profile) -> str:
    comments.check(text, {one.name: one.text for one in profile.snippets}, param)
    return text


CHECKS: Final[dict[str, Any]] = {
    "language": lambda tag, param, _: checks.language(tag, param),
    "locale": lambda tag, param, _: checks.locale(tag, param),
    "comments": _comments,
    "tax_ids": _tax_ids,
    "custom_fields": _custom_fields,
    "reference": lambda text, param, _: checks.line(text, param),
    "buyer_reference": lambda text, param, _: checks.line(text, param),
    "billing_address": lambda given, param, _: checks.address(given, param),
    "shipping_address": lambda given, param, _: checks.address(given, param),
}
