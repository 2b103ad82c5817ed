"""`./dev account`: the first account of a deployment, and its key, shown once."""

import argparse
import os
from datetime import datetime

from chalicelib import wiring
from chalicelib.billing.errors import PerennialError
from chalicelib.operations import create
from chalicelib.settings import Misconfigured, read
from sandbox.package import configuration


def main(arguments: list[str]) -> int:
    """Create an account in the deployment the environment names (README: *Deploy*)."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.clock is not None and asked.clock.tzinfo is None:
        parser.error("--clock needs an offset, such as 2026-01-31T12:00:00+00:00")
    if asked.stage:
        os.environ.update(configuration(asked.stage)["stages"][asked.stage]["environment_variables"])
    try:
        service = wiring.service(read())
        business = create.account(
            service,
            name=asked.name,
            email=asked.email,
            currency=asked.currency,
            zone=asked.zone,
            livemode=service.settings.livemode,
            billing_hour=asked.billing_hour,
            clock_at=asked.clock,
        )
        _, key = create.api_key(service, business, "first key")
    except PerennialError as problem:
        named = asked.stage or not isinstance(problem, Misconfigured)
        hint = "" if named else " Or name a stage, such as --stage prod (README, Deploy)."
        print(f"./dev account: {problem.detail}{hint}")
        return 1
    print(
        f"account  {business.id}\nkey      {key}\n\nKeep the key now: it is stored as a hash and never shown again."
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev account", description=__doc__)
    parser.add_argument("--name", required=True, help="the business, as buyers read it")
    parser.add_argument("--email", required=True, help="where buyers' answers go")
    parser.add_argument("--currency", default="usd", help="ISO 4217, lower case")
    parser.add_argument("--zone", default="UTC", help="IANA time zone, such as Europe/Paris")
    parser.add_argument("--billing-hour", type=int, default=6, help="local hour, 0 to 23")
    parser.add_argument(
        "--clock",
        type=datetime.fromisoformat,
        help="a test account with a clock of its own, which stands here: 2026-01-31T12:00Z",
    )
    parser.add_argument(
        "--stage", help="a stage of .chalice/config.json, in place of the environment's own settings"
    )
    return parser
