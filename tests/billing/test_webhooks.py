"""Endpoints and deliveries by themselves: who wants what, when it is tried again, and when an endpoint is given up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing import webhook_deliveries, webhooks
from chalicelib.billing.errors import Invalid, WrongState
from chalicelib.billing.wake import Topic, Wake
from chalicelib.billing.webhook_deliveries import (
    LEASE,
    WAITS,
    Treatment,
    WebhookAnswer,
    WebhookDelivery,
    WebhookStatus,
    treatment,
)
from chalicelib.billing.webhooks import DisabledReason, EndpointStatus, Listeners, WebhookEndpoint

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def endpoint(**more: Any) -> WebhookEndpoint:
    """One that hears all."""
    told = {"id": "we_1", "url": "https://hooks.example.com/", "events": ("*",), "created_at": AT}
    return WebhookEndpoint(account="acct_1", **(told | more))


def delivery(**more: Any) -> WebhookDelivery:
    """One that is to be sent now."""
    told = {
        "id": "whd_inv_1_0001_1_invoice_opened_we_1",
        "event": "evt_inv_1_0001_1_invoice_opened",
        "endpoint": "we_1",
        "type": "invoice.opened",
        "subject": "inv_1_0001",
        "created_at": AT,
        "expires_at": AT + 30 * DAY,
        "send_at": AT,
    }
    return WebhookDelivery(account="acct_1", **(told | more))


def answer(status: int, at: datetime = AT) -> WebhookAnswer:
    return WebhookAnswer(at=at, http_status=status, millis=1)


@pytest.mark.parametrize(
    ("status", "means"),
    [
        (200, Treatment.ACCEPTED),
        (204, Treatment.ACCEPTED),
        (299, Treatment.ACCEPTED),
        (199, Treatment.FAILED),
        (300, Treatment.FAILED),
        (302, Treatment.FAILED),
        (400, Treatment.FAILED),
        (410, Treatment.GONE),
        (429, Treatment.SLOW),
        (500, Treatment.FAILED),
        (502, Treatment.SLOW),
        (503, Treatment.SLOW),
        (504, Treatment.SLOW),
        (0, Treatment.SLOW),
    ],
)
def test_what_an_answer_means(status: int, means: Treatment):
    """2xx took it, 410 wants no more, 429, 502, 503, 504 and silence ask for patience, all else took nothing."""
    assert treatment(status) is means


def test_names_of_deliveries_tell_both():
    """A delivery is named by its event and its endpoint, and both are read from its name."""
    event = "evt_we_01kan0g7s8gd7ymr3q2v_3_webhook_endpoint_tested"
    name = webhook_deliveries.name_of(event, "we_01kan0g7s9k2v5x8r4wd")
    assert webhook_deliveries.named(name) == (event, "we_01kan0g7s9k2v5x8r4wd")


def test_ten_attempts_and_then_it_has_failed():
    """Each failure waits as long as Standard Webhooks suggests, and at most a tenth more; the tenth is the last."""
    one, at = delivery(), AT
    for wait in WAITS[1:]:
        one = one.sending(at).answered(answer(500, at))
        assert one.send_at is not None
        assert wait <= one.send_at - at <= wait * 1.1
        assert one.wake == Wake(one.send_at, Topic.WEBHOOKS)
        at = one.send_at
    one = one.sending(at).answered(answer(500, at))
    assert (one.status, one.send_at, one.wake, one.attempts) == (WebhookStatus.FAILED, None, None, 10)
    assert len(one.answers) == 5


def test_a_lease_keeps_others_away_and_ends():
    """While it is being sent it sleeps until the lease is over; then it is awake again."""
    leased = delivery().sending(AT)
    assert leased.wake == Wake(AT + LEASE, Topic.WEBHOOKS)
    assert leased.due(AT, AT) == leased
    assert leased.due(AT + LEASE, AT + LEASE).wake == Wake(AT + LEASE, Topic.WEBHOOKS)


def test_what_was_not_sent_was_not_tried():
    """Put off, it has made no attempt, and goes behind older ones."""
    later = delivery().sending(AT).not_sent(AT + DAY)
    assert (later.attempts, later.send_at, later.again) == (0, AT + DAY, True)
    assert delivery().not_sent(AT + DAY).attempts == 0


def test_sent_again_it_starts_over():
    """What failed has all its attempts again; what was accepted is sent again only where that is meant."""
    failed = delivery(
        status=WebhookStatus.FAILED, send_at=None, attempts=10, reason="The endpoint is disabled."
    )
    again = failed.due(AT, AT)
    assert (again.status, again.attempts, again.send_at, again.reason) == (WebhookStatus.PENDING, 0, AT, None)
    taken = delivery().sending(AT).answered(answer(200))
    assert taken.due(AT, AT) == taken
    assert taken.due(AT, AT, accepted_too=True).status is WebhookStatus.PENDING
    waiting = delivery().sending(AT).answered(answer(500))
    assert waiting.due(AT, AT).attempts == 1


def test_five_days_of_nothing_else_disable():
    """Ten failed attempts over five days disable an endpoint; fewer, sooner, or with one accepted between, they do not."""
    failing = endpoint().refused(AT, 9, AT)
    assert failing.refused(AT, 1, AT + 5 * DAY).reason is DisabledReason.FAILING
    assert failing.refused(AT, 1, AT + 5 * DAY - timedelta(seconds=1)).listens
    assert endpoint().refused(AT, 1, AT).refused(AT, 1, AT + 9 * DAY).listens
    assert failing.accepted(AT + DAY).refused(AT, 10, AT + 6 * DAY).listens


def test_back_again_it_is_sent_what_it_missed():
    """The first thing accepted after failures makes what failed since the oldest of them due; without failures nothing is."""
    failing = endpoint().refused(AT, 1, AT).refused(AT - DAY, 1, AT + DAY)
    back = failing.accepted(AT + DAY)
    assert back.resending == webhooks.Resending(walk_at=AT + DAY, since_at=AT - DAY, failing_at=AT)
    assert (back.failing_at, back.failing_from, back.refusals) == (None, None, 0)
    assert endpoint().accepted(AT) == endpoint()


def test_a_further_wish_widens_a_walk():
    """Asked for again while it is sent again, it starts over from the earlier moment, and leaves out nothing either wanted."""
    walking = endpoint().sending_again(AT, AT, missing=True).walked("2026-01-31|x")
    assert walking.sending_again(AT + DAY, AT).resending == webhooks.Resending(
        walk_at=AT, since_at=AT, missing=True
    )
    assert walking.walked(None).wake is None
    back = endpoint().refused(AT, 1, AT).accepted(AT)
    assert back.sending_again(AT, AT, missing=True).resending == webhooks.Resending(
        walk_at=AT, since_at=AT, missing=True
    )
    failed = walking.refused(AT, 1, AT).accepted(AT)
    assert failed.resending == walking.sending_again(AT, AT).resending


def test_what_is_refused_for_itself_is_not_hastened():
    """What an endpoint refused and took others meanwhile is not sent again because of that: only what failed along with it is."""
    once = delivery().sending(AT).answered(answer(500, AT))
    twice = once.sending(AT + DAY).answered(answer(500, AT + DAY))
    assert once.failed_since(AT)
    assert not twice.failed_since(AT + DAY)
    assert delivery().failed_since(AT)
    assert not delivery().given_up("The endpoint is disabled.").failed_since(AT)
    back = endpoint().refused(None, 1, AT).accepted(AT + DAY)
    assert back == endpoint()


def test_disabled_is_sent_nothing():
    """A disabled endpoint keeps its first reason, and neither tests nor resends until it is enabled."""
    off = endpoint().sending_again(AT, AT).disabled(DisabledReason.GONE, AT)
    assert (off.listens, off.resending, off.wake) == (False, None, None)
    assert off.disabled(DisabledReason.BY_HAND, AT + DAY) == off
    for refused in (off.pinged, lambda: off.sending_again(AT, AT)):
        with pytest.raises(WrongState):
            refused()
    assert off.enabled() == endpoint()
    assert endpoint().enabled() == endpoint()


def test_secrets_overlap_for_as_long_as_asked():
    """After a rotation the former secret signs until its time is over, and never longer than a week."""
    rotated = endpoint().rotated(DAY, AT)
    assert rotated.signing(AT) == (1, 0)
    assert rotated.signing(AT + DAY) == (1,)
    with pytest.raises(WrongState):  # a receiver may hold the first one still
        rotated.rotated(DAY, AT)
    assert rotated.rotated(timedelta(0), AT).signing(AT) == (2,)
    assert rotated.rotated(DAY, AT + DAY).signing(AT + DAY) == (2, 1)
    assert endpoint().rotated(timedelta(0), AT).signing(AT) == (1,)
    for wrong in (timedelta(days=8), timedelta(seconds=-1)):
        with pytest.raises(Invalid):
            endpoint().rotated(wrong, AT)


TYPES = st.sampled_from(["invoice.opened", "payment.succeeded", "refund.created", "*"])


@given(st.lists(st.tuples(st.sets(TYPES, min_size=1), st.booleans(), st.booleans()), max_size=6))
def test_listeners_are_the_enabled_ones(told: list[tuple[set[str], bool, bool]]):
    """Whatever is done to endpoints, those listed are the enabled ones, each once, and the account's types are theirs."""
    listeners = Listeners(account="acct_1", id="acct_1")
    ends: list[WebhookEndpoint] = []
    for n, (events, off, on) in enumerate(told):
        one = endpoint(id=f"we_{n}", events=tuple(sorted(events)))
        steps = [
            one,
            *([one.disabled(DisabledReason.BY_HAND, AT)] if off else []),
            *([one.deleted(AT)] if on else []),
        ]
        for step in steps:
            listeners = listeners.with_(step)
        ends.append(steps[-1])
    living = [one for one in ends if one.listens]
    assert [one.endpoint for one in listeners.endpoints] == [one.id for one in living]
    for type_ in ("invoice.opened", "payment.succeeded", "dispute.opened"):
        wanting = [one.id for one in living if one.wants(type_)]
        assert listeners.of(type_) == wanting
        assert webhooks.wanted(listeners.types, type_) is bool(wanting)


def test_an_endpoint_deleted_is_no_longer_there():
    """A deleted one is disabled, unlisted and cannot be enabled into hearing anything."""
    gone = endpoint().deleted(AT)
    assert (gone.status, gone.deleted_at, gone.listens) == (EndpointStatus.DISABLED, AT, False)
    assert replace(gone, status=EndpointStatus.ENABLED).listens is False
