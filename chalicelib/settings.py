"""The environment, read once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from chalicelib.billing.errors import PerennialError

SIDE_BY_SIDE: Final = 128
"""Questions a worker puts to Stripe at once, and the connections it keeps for them: 80 a second where an answer takes over a second."""
WORKERS_PERCENT: Final = 80
"""The workers' part of Stripe's limit; what is left is for buyers, who wait for their answers."""


class Misconfigured(PerennialError):
    """The environment lacks something the service cannot do without; the message names it."""

    def __init__(self, detail: str) -> None:
        super().__init__("misconfigured", detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`stripe_key`, `stripe_webhook_secret` and `link_secret` are values locally and references (`ssm:/name`) on AWS.

    `stripe_seconds` is how long an answer of Stripe's is waited for, `stripe_rate` how many requests it takes in a second: where
    nothing is said, Stripe's own 100 of a live key and 25 of a test one.
    `clock_file` holds the moment that counts as now, for rehearsals; a live key refuses it. `hooks_open`, by which webhooks may go to
    this machine, and in the clear, is refused beside any but a test key.
    `mail_events` is the name both of SES's configuration set, by which it tells what became of a letter, and of the topic it tells.
    `wake_shards` may only ever be raised, and only before the first record of a deployment is written.
    """

    table: str
    region: str
    money_queue: str
    deliveries_queue: str
    inbox_queue: str
    webhooks_queue: str
    files_bucket: str
    mail_from: str
    mail_events: str
    base_url: str
    link_secret: str = field(repr=False)
    stripe_key: str = field(repr=False)
    stripe_webhook_secret: str = field(repr=False)
    stripe_api: str | None = None
    aws_endpoint: str | None = None
    stripe_seconds: float = 40
    stripe_rate: int | None = None
    clock_file: str | None = None
    hooks_open: bool = False
    wake_shards: int = 4

    @property
    def livemode(self) -> bool:
        """Whether the Stripe key moves real money; a deployment serves one mode."""
        return self.stripe_key.startswith(("sk_live_", "rk_live_"))

    @property
    def workers_rate(self) -> int:
        """Requests a second that all workers together may send to Stripe."""
        return max(1, (self.stripe_rate or (100 if self.livemode else 25)) * WORKERS_PERCENT // 100)


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process. Raises Misconfigured naming what is missing."""

    def need(name: str) -> str:
        value = environ.get(name, "")
        if not value:
            raise Misconfigured(f"Set {name} in the environment (on AWS: in .chalice/config.json).")
        return value

    return Settings(
        table=need("PERENNIAL_TABLE"),
        region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        money_queue=need("PERENNIAL_MONEY_QUEUE"),
        deliveries_queue=need("PERENNIAL_DELIVERIES_QUEUE"),
        inbox_queue=need("PERENNIAL_INBOX_QUEUE"),
        webhooks_queue=need("PERENNIAL_WEBHOOKS_QUEUE"),
        files_bucket=need("PERENNIAL_FILES_BUCKET"),
        mail_from=need("PERENNIAL_MAIL_FROM"),
        mail_events=need("PERENNIAL_MAIL_EVENTS"),
        base_url=environ.get("PERENNIAL_BASE_URL", ""),
        link_secret=need("PERENNIAL_LINK_SECRET"),
        stripe_key=need("STRIPE_API_KEY"),
        stripe_webhook_secret=need("STRIPE_WEBHOOK_SECRET"),
        stripe_api=environ.get("STRIPE_API_BASE") or None,
        aws_endpoint=environ.get("AWS_ENDPOINT_URL") or None,
        stripe_seconds=float(environ.get("PERENNIAL_STRIPE_SECONDS", "40")),
        stripe_rate=int(environ.get("PERENNIAL_STRIPE_RATE", "0")) or None,
        clock_file=environ.get("PERENNIAL_CLOCK_FILE") or None,
        hooks_open=environ.get("PERENNIAL_HOOKS_OPEN", "") == "1",
        wake_shards=int(environ.get("PERENNIAL_WAKE_SHARDS", "4")),
    )
