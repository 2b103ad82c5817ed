"""Links in letters."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from itsdangerous import URLSafeSerializer

from chalicelib.billing.errors import NotFound
from chalicelib.billing.subscriptions import Subscription
from chalicelib.settings import Settings
from chalicelib.views import links
from chalicelib.views.links import LinkExpired, LinkInvalid

NOW = datetime(2026, 1, 31, 5, tzinfo=UTC)


def settings(secret: str = "a secret", base_url: str = "https://pay.example/api/") -> Settings:
    return Settings(
        table="t",
        region="us-east-1",
        money_queue="m",
        deliveries_queue="d",
        inbox_queue="i",
        mail_from="f@example.com",
        base_url=base_url,
        link_secret=secret,
        stripe_key="sk_test_1",
        stripe_webhook_secret="whsec_1",
    )


@dataclass(frozen=True)
class Other:
    """A token made by somebody else."""

    secret: str
    salt: str
    payload: object

    def token(self) -> str:
        return str(URLSafeSerializer(self.secret, salt=self.salt).dumps(self.payload))


def test_a_link_names_its_subscription(subscription: Subscription):
    """What is read from a link is the account and subscription it was made for, and the address is clean."""
    url = links.pay(settings(), subscription, NOW)
    base, token = url.rsplit("/", 1)
    assert base == "https://pay.example/api/b"
    assert links.read(settings(), token, NOW) == ("acct_1", "sub_1")


def test_a_link_works_for_thirty_days_of_the_clock_it_is_given():
    """Expiry follows the moments passed in, years away from the wall clock too."""
    for now in (NOW, NOW.replace(year=1999), NOW.replace(year=2099)):
        token = links.sign(settings(), "acct_1", "sub_1", now)
        assert links.read(settings(), token, now + links.LIVES - timedelta(seconds=1)) == ("acct_1", "sub_1")
        with pytest.raises(LinkExpired):
            links.read(settings(), token, now + links.LIVES)


def test_a_changed_link_opens_nothing_else():
    """Whatever character is changed, a link is refused or, where the change meant nothing, the same link."""
    token = links.sign(settings(), "acct_1", "sub_1", NOW)
    for place in range(len(token)):
        for letter in "Aa0_-.":
            changed = token[:place] + letter + token[place + 1 :]
            try:
                assert links.read(settings(), changed, NOW) == ("acct_1", "sub_1")
                assert place == len(token) - 1 or changed == token
            except LinkInvalid:
                pass


def test_a_link_cannot_be_moved_to_another_account():
    """The payload of one link under the signature of another is refused."""
    mine = links.sign(settings(), "acct_1", "sub_1", NOW)
    theirs = links.sign(settings(), "acct_2", "sub_2", NOW)
    payload, signature = theirs.rsplit(".", 1)[0], mine.rsplit(".", 1)[1]
    with pytest.raises(LinkInvalid):
        links.read(settings(), f"{payload}.{signature}", NOW)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "é",
        "\ud800",
        "x" * 100_000,
        Other("another secret", links.PAY, ["acct_1", "sub_1", 2**40]).token(),
        Other("a secret", links.PAY, ["acct_1", "sub_1", 2**40]).token(),
        links.sign(settings("another secret"), "acct_1", "sub_1", NOW),
        links.sign(settings(), "acct_1", "sub_1", NOW, purpose="perennial.other"),
    ],
)
def test_what_was_not_signed_here_for_this_is_refused(token: str):
    """Nonsense, other secrets, other digests and links of another purpose are all the same NotFound."""
    with pytest.raises(LinkInvalid) as refusal:
        links.read(settings(), token, NOW)
    assert isinstance(refusal.value, NotFound)
    assert (refusal.value.code, refusal.value.param) == ("link_invalid", "token")
