"""What every test may ask for: a local AWS that really runs, one that is quick, a local Stripe, and worlds on them."""

import gc
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import hypothesis
import pytest
from moto import mock_aws

from chalicelib.settings import Settings, read
from sandbox.aws import Aws
from sandbox.stripe.server import StripeServer
from sandbox.world import World, environment

ACCOUNTS = count(1)
WORLDS = count(1)
# A check is repeatable: the same examples every time. `--hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("steady", derandomize=True, database=None, deadline=None)
hypothesis.settings.register_profile("search", deadline=None, print_blob=True)
hypothesis.settings.load_profile("steady")
# For ./dev mutants: the same examples every time, no deadline, which kills by chance, and no search for a smaller example,
# which takes longer than the tests.
hypothesis.settings.register_profile(
    "mutants",
    derandomize=True,
    deadline=None,
    database=None,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    suppress_health_check=(hypothesis.HealthCheck.too_slow,),
)
QUICK = {
    "AWS_ACCESS_KEY_ID": "quick",
    "AWS_SECRET_ACCESS_KEY": "quick",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="session")
def ministack() -> Iterator[Aws]:
    """A local AWS in a process of its own, with DynamoDB's real semantics under concurrency."""
    with Aws() as aws:
        yield aws


@pytest.fixture
def real_aws(ministack: Aws, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An empty account of the local AWS, as environment."""
    env = ministack.environment(account=f"{os.getpid() % 10**6:06d}{next(ACCOUNTS):06d}")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


@pytest.fixture
def quick_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """moto in this process: quick, and honest as long as nothing runs side by side."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in QUICK.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield dict(QUICK)


@pytest.fixture(params=["moto", "ministack", "dynamodb-local"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Each engine in turn, as environment; AWS's own DynamoDB Local where DYNAMODB_LOCAL names its endpoint."""
    if request.param != "dynamodb-local":
        env: dict[str, str] = request.getfixturevalue("quick_aws" if request.param == "moto" else "real_aws")
        return env
    endpoint = os.environ.get("DYNAMODB_LOCAL")
    if not endpoint:
        pytest.skip("left out: DYNAMODB_LOCAL names no endpoint of DynamoDB Local")
    env = QUICK | {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": f"local{next(ACCOUNTS)}"}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    """A local Stripe of one's own."""
    with StripeServer() as server:
        yield server


@pytest.fixture
def settings(engine: dict[str, str]) -> Settings:
    """Settings on the engine at hand, with no Stripe behind them."""
    return read(environment(engine, "http://127.0.0.1:9", None))


@pytest.fixture
def world(real_aws: dict[str, str], stripe: StripeServer, tmp_path: Path) -> Iterator[World]:
    """A deployment on the local AWS in which every message, tick and webhook comes twice."""
    with new_world(real_aws, stripe, tmp_path, twice=True) as made:
        yield made


def new_world(aws: dict[str, str], stripe: StripeServer, folder: Path, *, twice: bool) -> World:
    """A world whose clock stands at noon UTC of 1 January 2026."""
    clock = folder / "clock"
    clock.write_text("2026-01-01T12:00:00+00:00")
    env = environment(aws, stripe.url, clock, PERENNIAL_STRIPE_SECONDS="0.5", PERENNIAL_WAKE_SHARDS="1")
    made = World(env, stripe.url, twice=twice)
    gc.set_threshold(5_000, 10, 10)  # worlds come and go: app.py collects seldom
    if next(WORLDS) % 20 == 0:
        gc.collect()  # what is left of a world was frozen once, and does not count towards the next collection
    made.set_clock(made.now)
    made.connect_stripe("hold")
    return made
