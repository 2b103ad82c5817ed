"""All that ever happened to an account: longer than the API lists it."""

from typing import Any

from chalicelib.crm.accounts import Account
from chalicelib.operations import books
from chalicelib.views.shown import shown
from tests.stories.diary import Diary


def every_fact(diary: Diary) -> list[dict[str, Any]]:
    """Every event that is kept, oldest first."""
    service = diary.world.service()
    account = service.store.get(Account, diary.account, diary.account)
    return [shown(event) for event in books.kept(service, account).events]
