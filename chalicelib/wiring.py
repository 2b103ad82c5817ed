"""The service as it runs: every adapter made from the settings."""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, cast

from chalicelib.adapters.mail import SesMailer
from chalicelib.adapters.queue import SqsQueue
from chalicelib.aws import Aws
from chalicelib.billing.gateway import Gateway
from chalicelib.crm.files import Files
from chalicelib.crm.hooks import Hooks
from chalicelib.service import Service
from chalicelib.settings import Misconfigured, Settings
from chalicelib.store.dynamo import Dynamo
from chalicelib.store.store import Store

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
SECRETS = ("link_secret", "stripe_key", "stripe_webhook_secret")


_current: list[Service] = []


def service(settings: Settings) -> Service:
    """The service of this process, made once."""
    if not _current:
        use(wired(settings))
    return _current[0]


def use(other: Service) -> None:
    """Put another service in place of the process's: for rehearsals, which watch or break what it reaches."""
    _current[:] = [other]


def wired(settings: Settings) -> Service:
    """A new service on AWS, or on a local AWS where the settings name an endpoint. Raises Misconfigured."""
    settings = revealed(settings)
    check_guard(settings)
    return Service(
        settings=settings,
        store=Store(Dynamo(settings), settings.table, settings.wake_shards),
        gateway=cast(Gateway, Late(lambda: stripe(settings))),
        mailer=SesMailer(Aws("email", "ses", settings.region, settings.aws_endpoint), settings.mail_events),
        files=cast(Files, Late(lambda: files(settings))),
        hooks=cast(Hooks, Late(lambda: hooks(settings))),
        queue=SqsQueue(Aws("sqs", "sqs", settings.region, settings.aws_endpoint), settings),
        real=clock(settings),
        new_id=new_id,
    )


def check_guard(settings: Settings) -> None:
    """Refuse an open guard of webhooks beside anything but a test key: who posts them on AWS is not shown which one it is."""
    if settings.hooks_open and not settings.stripe_key.startswith(("sk_test_", "rk_test_")):
        detail = "PERENNIAL_HOOKS_OPEN is set, and STRIPE_API_KEY is not known to be a test key; unset one of them."
        raise Misconfigured(detail)


class Late:
    """Stands for what is made when it is first used: a cold start pays only for what it needs."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = Lock()
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        with self._lock:
            self._made = self._made or self._make()
        return getattr(self._made, name)


def files(settings: Settings) -> Files:
    """The bucket of documents and pictures."""
    from chalicelib.adapters.files import S3Files

    return S3Files(Aws("s3", "s3", settings.region, settings.aws_endpoint), settings.files_bucket)


def hooks(settings: Settings) -> Hooks:
    """What posts webhooks."""
    from chalicelib.adapters.hooks import GuardedHooks

    return GuardedHooks(open_=settings.hooks_open)


def stripe(settings: Settings) -> Gateway:
    """Stripe, as the settings reach it."""
    from chalicelib.adapters.stripe import StripeGateway

    return StripeGateway(settings.stripe_key, settings.stripe_api, settings.stripe_seconds)


def revealed(settings: Settings) -> Settings:
    """The settings with every secret itself: references `ssm:/name` are read from the parameter store, in one request.

    Raises Misconfigured where one is missing there.
    """
    references = {field: getattr(settings, field) for field in SECRETS}
    names = {field: text[4:] for field, text in references.items() if text.startswith("ssm:")}
    if not names:
        return settings
    wanted = sorted(set(names.values()))
    ssm = Aws("ssm", "ssm", settings.region, settings.aws_endpoint, json="1.1")
    answer = ssm.call_again("/", {"Names": wanted, "WithDecryption": True}, "AmazonSSM.GetParameters")
    values = {told["Name"]: str(told["Value"]) for told in answer["Parameters"]}
    if missing := [name for name in wanted if name not in values]:
        raise Misconfigured(f"Put {' and '.join(missing)} into the parameter store of {settings.region}.")
    found: dict[str, Any] = {field: values[name] for field, name in names.items()}
    return replace(settings, **found)


def clock(settings: Settings) -> Callable[[], datetime]:
    """Real time, UTC; in a rehearsal the moment a file holds. Raises Misconfigured where that would move real money."""
    if settings.clock_file is None:
        return lambda: datetime.now(UTC)
    if settings.livemode:
        raise Misconfigured("PERENNIAL_CLOCK_FILE is set beside a live key of Stripe's; unset one of them.")
    path = Path(settings.clock_file)
    return lambda: datetime.fromisoformat(path.read_text())


def new_id(prefix: str) -> str:
    """A new name that sorts by the time it was made: 48 bits of milliseconds, 50 of chance."""
    return prefix + _base32(int(time.time() * 1000), 10) + _base32(secrets.randbits(50), 10)


def _base32(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, rest = divmod(number, 32)
        digits = ALPHABET[rest] + digits
    return digits
