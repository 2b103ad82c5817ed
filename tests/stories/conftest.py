"""The words stories are told in."""

from pathlib import Path

import pytest

from sandbox.world import World
from tests.stories.diary import Diary

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories start servers and are told on one Python; the roaster's is told on each."""
    for item in items:
        if item.path.parent == HERE and item.path.name != "test_roaster.py":
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def diary(world: World) -> Diary:
    """A coffee roaster in New York on the world's clock, at 7 in the morning of 1 January 2026."""
    return Diary(world)
