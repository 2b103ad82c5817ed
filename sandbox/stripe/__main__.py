"""`python -m sandbox.stripe --port 12111 --state PATH`: serves until SIGTERM or SIGINT, and goes on where it stopped."""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path

from sandbox.stripe.server import StripeServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=12111)
    parser.add_argument(
        "--state", type=Path, default=None, help="a file to keep everything in; without it, memory only"
    )
    chosen = parser.parse_args()
    asyncio.run(_serve(StripeServer(chosen.port, state=chosen.state)))


async def _serve(server: StripeServer) -> None:
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, server.stop_soon)
    await server.serve(announce=True)


if __name__ == "__main__":
    main()
