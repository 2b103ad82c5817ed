"""Links in letters."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from itsdangerous import URLSafeSerializer

from chalicelib.billing.errors import NotFound
from chalicelib.billing.invoices import Invoice
from chalicelib.billing.payments import Payment
from chalicelib.billing.subscriptions import Subscription
from chalicelib.settings import Settings
from chalicelib.views import forms, links
from chalicelib.views.forms import FormExpired, FormInvalid, FormOutdated
from chalicelib.views.links import Link, LinkExpired, LinkInvalid, Purpose

NOW = datetime(2026, 1, 31, 5, tzinfo=UTC)


def settings(secret: str = "a secret", base_url: str = "https://pay.example/api/") -> Settings:
    return Settings(
        table="t",
        region="us-east-1",
        money_queue="m",
        deliveries_queue="d",
        inbox_queue="i",
        webhooks_queue="w",
        files_bucket="f",
        mail_from="f@example.com",
        mail_events="e",
        base_url=base_url,
        link_secret=secret,
        stripe_key="sk_test_1",
        stripe_webhook_secret="whsec_1",
    )


def signed(account: str = "acct_1", id_: str = "sub_1", purpose: Purpose = Purpose.OWED) -> str:
    return links.sign(settings(), purpose, account, id_, NOW)


def opened(token: str, now: datetime = NOW) -> tuple[Purpose, str, str]:
    link = links.read(settings(), token, now)
    return link.purpose, link.account, link.id


@dataclass(frozen=True)
class Other:
    """A token made by somebody else."""

    secret: str
    salt: str
    payload: object

    def token(self) -> str:
        return str(URLSafeSerializer(self.secret, salt=self.salt).dumps(self.payload))


def test_a_link_names_its_record(subscription: Subscription, invoice: Invoice, payment: Payment):
    """What is read from a link is its purpose, the account and the record it was made for, and the address is clean."""
    made = {
        links.pay(settings(), subscription, NOW): (Purpose.OWED, "sub_1"),
        links.method(settings(), subscription, NOW): (Purpose.METHOD, "sub_1"),
        links.invoice(settings(), invoice, NOW): (Purpose.INVOICE, invoice.id),
        links.payment(settings(), payment, NOW): (Purpose.PAYMENT, payment.id),
    }
    assert len(made) == 4
    for url, (purpose, id_) in made.items():
        base, token = url.rsplit("/", 1)
        assert base == "https://pay.example/api/b"
        assert opened(token) == (purpose, "acct_1", id_)


def test_a_link_works_for_thirty_days_of_the_clock_it_is_given():
    """Expiry follows the moments passed in, years away from the wall clock too."""
    for now in (NOW, NOW.replace(year=1999), NOW.replace(year=2099)):
        token = links.sign(settings(), Purpose.OWED, "acct_1", "sub_1", now)
        last = now + links.LIVES - timedelta(seconds=1)
        assert opened(token, last) == (Purpose.OWED, "acct_1", "sub_1")
        with pytest.raises(LinkExpired):
            links.read(settings(), token, now + links.LIVES)


def test_a_link_on_a_page_lives_no_longer_than_its_page():
    """Links that stand on the page of another expire with it: following them gives nobody more time."""
    link = links.read(settings(), signed(), NOW + timedelta(days=29))
    inner = links.read(settings(), link.to(settings(), Purpose.INVOICE, "inv_1"), NOW)
    assert (inner.purpose, inner.account, inner.id) == (Purpose.INVOICE, "acct_1", "inv_1")
    assert inner.expires_at == link.expires_at == NOW + links.LIVES


def test_grace_ends_too():
    """Whoever was on Stripe's page while the link expired is let in for a day more, and no longer."""
    token, last = signed(), NOW + links.LIVES + links.LOOKS_BACK
    assert links.read(settings(), token, last - timedelta(seconds=1), links.LOOKS_BACK).id == "sub_1"
    with pytest.raises(LinkExpired):
        links.read(settings(), token, last, links.LOOKS_BACK)


def test_a_changed_link_opens_nothing_else():
    """Whatever character is changed, a link is refused or, where the change meant nothing, the same link."""
    token = signed()
    for place in range(len(token)):
        for letter in "Aa0_-.":
            changed = token[:place] + letter + token[place + 1 :]
            try:
                assert opened(changed) == (Purpose.OWED, "acct_1", "sub_1")
                assert place == len(token) - 1 or changed == token
            except LinkInvalid:
                pass


def test_a_link_cannot_be_moved_to_another_account():
    """The payload of one link under the signature of another is refused."""
    mine, theirs = signed(), signed("acct_2", "sub_2")
    payload, signature = theirs.rsplit(".", 1)[0], mine.rsplit(".", 1)[1]
    with pytest.raises(LinkInvalid):
        opened(f"{payload}.{signature}")


def test_a_link_cannot_be_moved_to_another_purpose():
    """The same payload signed for one purpose is a record of another kind nowhere."""
    tokens = {purpose: signed(purpose=purpose) for purpose in Purpose}
    assert len({token.rsplit(".", 1)[0] for token in tokens.values()}) == 1
    assert len(set(tokens.values())) == len(Purpose)
    assert {purpose: opened(token)[0] for purpose, token in tokens.items()} == {one: one for one in Purpose}


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "é",
        "\ud800",
        "x" * 100_000,
        Other("another secret", Purpose.OWED, ["acct_1", "sub_1", 2**40]).token(),
        Other("a secret", Purpose.OWED, ["acct_1", "sub_1", 2**40]).token(),
        links.sign(settings("another secret"), Purpose.OWED, "acct_1", "sub_1", NOW),
        forms.sign(settings(), Link(purpose=Purpose.OWED, account="a", id="s", expires_at=NOW, token="t"), "pay", "", NOW),
    ],
)  # fmt: skip
def test_what_was_not_signed_here_for_this_is_refused(token: str):
    """Nonsense, other secrets, other digests, and what was signed for a form are all the same NotFound."""
    with pytest.raises(LinkInvalid) as refusal:
        links.read(settings(), token, NOW)
    assert isinstance(refusal.value, NotFound)
    assert (refusal.value.code, refusal.value.param) == ("link_invalid", "token")


def link(**changes) -> Link:
    one = Link(purpose=Purpose.OWED, account="acct_1", id="sub_1", expires_at=NOW + links.LIVES, token="one")
    return replace(one, **changes)


def test_a_form_is_good_for_what_it_showed():
    """The token of a form passes for its link, act and what was shown, for an hour."""
    token = forms.sign(settings(), link(), "pay", "pay $12.50 inv_1", NOW)
    last = NOW + forms.LIVES - timedelta(seconds=1)
    forms.check(settings(), link(), "pay", "pay $12.50 inv_1", token=token, now=last)


@pytest.mark.parametrize(
    ("of", "act", "shown", "later", "refusal"),
    [
        (link(token="two"), "pay", "pay $12.50 inv_1", timedelta(0), FormInvalid),
        (link(), "method", "pay $12.50 inv_1", timedelta(0), FormInvalid),
        (link(), "pay", "pay $0.50 inv_1", timedelta(0), FormOutdated),
        (link(), "pay", "pay $12.50 inv_2", timedelta(0), FormOutdated),
        (link(), "pay", "", timedelta(0), FormOutdated),
        (link(), "pay", "pay $12.50 inv_1", forms.LIVES, FormExpired),
    ],
)
def test_a_form_is_good_for_nothing_else(of: Link, act: str, shown: str, later: timedelta, refusal: type):
    """Another link, act, amount or record, or an hour later: each is refused for its own reason."""
    token = forms.sign(settings(), link(), "pay", "pay $12.50 inv_1", NOW)
    with pytest.raises(refusal):
        forms.check(settings(), of, act, shown, token=token, now=NOW + later)


@pytest.mark.parametrize(
    "token",
    ["", "x", "é", "\ud800", "x" * 10_000, signed(), forms.sign(settings("other"), link(), "pay", "s", NOW)],
)
def test_a_form_that_was_not_made_here_is_refused(token: str):
    """Nonsense, links, and forms of other secrets are no forms."""
    with pytest.raises(FormInvalid):
        forms.check(settings(), link(), "pay", "s", token=token, now=NOW)
