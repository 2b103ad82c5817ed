"""The words stories are told in."""

import pytest

from sandbox.world import World
from tests.stories.diary import Diary


@pytest.fixture
def diary(world: World) -> Diary:
    """A coffee roaster in New York on the world's clock, at 7 in the morning of 1 January 2026."""
    return Diary(world)
