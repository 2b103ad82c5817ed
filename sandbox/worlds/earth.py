"""What the worlds of a process stand on: the local AWS and Stripe, the app, and a table and a name for each world."""

from __future__ import annotations

import importlib
import json
import os
import sys
from concurrent.futures import Future
from typing import Any, Final

from chalicelib.aws import Aws as Client
from sandbox.aws import Aws
from sandbox.stripe.remote import Remote
from sandbox.stripe.replies import Request
from sandbox.stripe.server import StripeServer
from sandbox.world import environment

SETTINGS: Final = {"PERENNIAL_STRIPE_SECONDS": "30", "PERENNIAL_WAKE_SHARDS": "1"}


class Earth:
    """What the worlds of a process share: the local AWS, the local Stripe, and the app loaded once."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.stripe = StripeServer().start()
        os.environ.update(environment(aws.environment("900000000000"), self.stripe.url, None, **SETTINGS))
        sys.modules.pop("app", None)  # a process that has lived other worlds has read other settings
        self.app = importlib.import_module("app")
        self.worlds = 0

    def another(self) -> None:
        """One more world: from now on this process speaks to an AWS account of its own, which may send letters."""
        self.worlds += 1
        number = os.getpid() % 10**6 * 10**5 + self.worlds
        account = self.aws.environment(f"9{number % 10**11:011d}")
        env = environment(account, self.stripe.url, None, **SETTINGS)
        os.environ.update(env)
        ses = Client("email", "ses", env["AWS_DEFAULT_REGION"], env["AWS_ENDPOINT_URL"])
        ses.call("/v2/email/identities", {"EmailIdentity": "perennial.example"})

    def stop(self) -> None:
        """The local Stripe ends."""
        self.stripe.stop()


class Near(Remote):
    """The local Stripe's controls where it runs in this process: asked on its own thread, without a connection."""

    def __init__(self, server: StripeServer) -> None:
        super().__init__(server.url)
        self._server = server

    def ask(self, method: str, path: str, given: dict[str, Any] | None = None) -> Any:
        """One control, as over HTTP."""
        request = Request(method, f"/_sandbox/{path}", "", {}, json.dumps(given or {}).encode())
        done: Future[Any] = Future()
        self._server._loop.call_soon_threadsafe(  # noqa: SLF001
            lambda: done.set_result(self._server.answer(request))
        )
        reply = done.result(30)
        answer = json.loads(reply.body)
        if reply.status != 200:
            raise ValueError(answer["error"]["message"])
        return answer
