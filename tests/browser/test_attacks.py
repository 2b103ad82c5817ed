"""What hostile people try with a page: in a browser that does run scripts, so that one could run."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, Route

from chalicelib.billing.lines import Line
from chalicelib.billing.statuses import Status
from chalicelib.views.links import Purpose
from sandbox.world import World
from tests.browser.conftest import DESKTOP, PHONE, Buyer
from tests.browser.shelf import NOW, SENT, Shelf, credited, given_back, sent, shelf

HOSTILE = (
    "<script>hacked=1</script><img src=x onerror=hacked=1>\"'><svg onload=hacked=1>"
    "</style></title><style>*{display:none}</style>{{ 7*7 }}{% x %}\r\nSet-Cookie: hacked=1\x00\u202eגם"
)
EVIL = "http://localhost:9/"


@pytest.fixture
def scripts(browser: Browser):
    """A page of a browser that runs scripts, and all that it asked for."""
    seat = browser.new_context(viewport=PHONE)
    page, asked = seat.new_page(), []
    page.set_default_timeout(10_000)
    page.on("request", lambda request: asked.append(request.url))
    yield page, asked
    assert seat.cookies() == []
    seat.close()


def hostile(world: World) -> tuple[Shelf, list[str]]:
    """Every word that a stranger or a merchant may write is an attack; the pages that show them."""
    row = Line(id="li_1", name=HOSTILE, description=HOSTILE, unit_amount=Decimal(2500))
    here = shelf(world.service(), "hostile")
    here.subscription = replace(here.subscription, name=HOSTILE, lines=(row, replace(row, id="li_2")))
    here.account = replace(
        here.account, name=HOSTILE, email='"><script>hacked=1</script>@evil.example\r\nBcc: x@y.z'
    )
    here.contact = replace(here.contact, name=HOSTILE)
    here.subscription = replace(
        here.subscription, taxes=(), discounts=(), method=replace(here.subscription.method, label=HOSTILE)
    )
    one, note = credited(here)
    paid, payment, refunds = given_back(replace_subscription(here))
    payment = replace(payment, method_label=HOSTILE, reference=HOSTILE)
    refunds = [replace(refund, reason=HOSTILE) for refund in refunds]
    owing = replace(here.subscription, status=Status.PAST_DUE, arrears=(one.id,))
    here.put(owing, one, replace(note, reason=HOSTILE), paid, payment, *refunds)
    links = [
        here.link(Purpose.OWED, owing),
        here.link(Purpose.METHOD, owing),
        here.link(Purpose.INVOICE, one),
        here.link(Purpose.PAYMENT, payment),
    ]
    return here, links


def replace_subscription(here: Shelf) -> Shelf:
    """The same shelf, whose next invoice is another one."""
    return Shelf(here.service, here.account, here.contact, replace(here.subscription, besides=1))


def test_no_word_becomes_a_script(world: World, scripts: tuple[Page, list[str]]):
    """Names, descriptions, reasons and labels stay words, on every page, where scripts are allowed; nothing else is loaded."""
    page, asked = scripts
    _, links = hostile(world)
    for link in links:
        asked.clear()
        page.goto(link)
        assert page.evaluate("typeof hacked") == "undefined"
        assert "<script>hacked=1</script>" in page.inner_text("body")
        assert page.locator("script, img, svg, iframe").count() == 0
        assert page.locator("main").is_visible()
        assert asked == [link]


def test_hostile_words_are_set_well(world: World, buyer: Callable[..., Buyer]):
    """Long, right-to-left and many: the pages keep their width, and stay usable."""
    here = shelf(world.service(), "long", collection=SENT, method=None)
    words = ["🍩" * 30, "Ω" * 80, "קפה שחור חזק מאוד", "Kaffee" * 25, "قهوة سوداء 500 غ"]
    rows = tuple(
        Line(id=f"li_{n}", name=words[n % 5], description=words[(n + 2) % 5], unit_amount=Decimal(10**9 + n))
        for n in range(500)
    )
    here.subscription = replace(here.subscription, lines=rows, taxes=(), discounts=(), name=words[1])
    here.account = replace(here.account, name=words[4])
    here.contact = replace(here.contact, name=words[2])
    one = sent(here)
    here.put(here.subscription, one)
    for at in (PHONE, DESKTOP):
        person = buyer(at).opens(here.link(Purpose.INVOICE, one))
        assert person.page.locator("tbody:first-of-type tr").count() == 500
        narrow = person.page.evaluate("document.documentElement.scrollWidth")
        assert narrow <= at["width"]
        person.page.screenshot(path=person.picture("five hundred lines"))
        assert person.page.locator("button").bounding_box()["y"] < at["height"]


def test_another_site_can_press_no_button(world: World, scripts: tuple[Page, list[str]], browser: Browser):
    """A page elsewhere that knows the link and the form's token sends the form by itself: the browser tells, and it is refused; nor may it frame the page."""
    here = shelf(world.service(), "elsewhere", collection=SENT, method=None)
    one = sent(here)
    here.put(here.subscription, one)
    link = here.link(Purpose.INVOICE, one)
    page, _ = scripts
    page.goto(link)
    form = page.locator('input[name="form"]').get_attribute("value")

    def lure(route: Route) -> None:
        route.fulfill(
            content_type="text/html",
            body=f"""<form method="post" action="{link}/pay"><input name="form" value="{form}"></form>
            <iframe src="{link}"></iframe><script>if (location.pathname == '/now') document.forms[0].submit()</script>""",
        )

    page.route(f"{EVIL}**", lure)
    with page.expect_console_message(lambda said: "frame" in said.text) as said:
        page.goto(EVIL)
    assert "frame-ancestors 'none'" in said.value.text

    with page.expect_response(lambda answer: answer.url.endswith("/pay")) as answer:
        page.goto(f"{EVIL}now", wait_until="commit")
    assert answer.value.status == 403
    kept = here.service.store.get(type(one), one.account, one.id)
    assert (kept.payment, kept.attempts) == (None, 0)


def test_a_tampered_form_opens_nothing(world: World, scripts: tuple[Page, list[str]]):
    """An amount, another invoice or another link written into the form in the browser's own tools: refused, and nothing is asked of Stripe."""
    here = shelf(world.service(), "tampered", collection=SENT, method=None, cycle=2)
    first, second = (
        sent(here),
        replace(here.invoice("INV-000018", cycle=1), due_on=NOW.date() + timedelta(days=9)),
    )
    here.put(here.subscription, first, second)
    page, asked = scripts
    mine, other = here.link(Purpose.INVOICE, first), here.link(Purpose.INVOICE, second)
    for tamper, status in (
        ("form.insertAdjacentHTML('beforeend', '<input name=amount value=1>')", 400),
        ("form.insertAdjacentHTML('beforeend', '<input name=invoices value=inv_1>')", 400),
        ("form.querySelector('input').value += 'x'", 400),
        (f"form.action = '{other}/pay'", 400),
        ("form.action = form.action.replace(/pay$/, 'method')", 400),
        ("form.action = form.action.replace(/pay$/, 'refund')", 404),
        ("form.enctype = 'text/plain'", 415),
        ("form.querySelector('input').value = 'x'.repeat(9999)", 413),
    ):
        page.goto(mine, wait_until="load")
        with page.expect_response(lambda answer: answer.request.method == "POST") as answer:
            page.evaluate(f"() => {{ const form = document.forms[0]; {tamper}; form.submit() }}")
        page.wait_for_url("**/b/*/*")
        assert answer.value.status == status, tamper
        assert re.match("text/html", answer.value.headers["content-type"])
    assert not any(url.startswith(world.stripe_url) for url in asked)
    for one in (first, second):
        assert here.service.store.get(type(one), one.account, one.id).attempts == 0
