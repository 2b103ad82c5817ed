"""What a rehearsed deployment promises to what runs after it in the same process."""

import os
from pathlib import Path

import pytest

from sandbox.aws import Aws
from sandbox.stripe.server import StripeServer
from tests.conftest import new_world

pytestmark = pytest.mark.slow


def test_a_world_leaves_the_environment_as_it_was(
    real_aws: dict[str, str], stripe: StripeServer, tmp_path: Path
) -> None:
    """What it set for itself is gone with it: a local AWS started later would hand it to every function."""
    before = ours()
    with new_world(real_aws, stripe, tmp_path, twice=False):
        assert "PERENNIAL_CLOCK_FILE" in os.environ
    assert ours() == before


def ours() -> dict[str, str]:
    """What a deployment reads."""
    names = ("PERENNIAL_", "STRIPE_", "AWS_ENDPOINT", "AWS_ACCESS")
    return {name: value for name, value in os.environ.items() if name.startswith(names)}


def test_a_local_aws_hands_its_functions_no_deployment_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack has the variables of its template alone, whatever stands in our environment."""
    monkeypatch.setenv("PERENNIAL_STRIPE_SECONDS", "0.5")
    with Aws() as aws:
        inherited = Path(f"/proc/{aws._process.pid}/environ").read_text()
    assert "GATEWAY_PORT=" in inherited
    assert "PERENNIAL" not in inherited
