"""What the local AWS is started by, on its own Python: ministack, whose SES then keeps each message as it came.

Ministack reads text and HTML out of a message and drops the rest; a mailbox that cannot show what was attached would show
a person less than a buyer gets.
"""

import runpy
from collections.abc import Iterator
from typing import Any

from ministack.services import ses_v2 as ses  # type: ignore[import-not-found]  # it is installed beside us, not with us

PARSE, SENT = "_parse_raw_mime", "_sent_emails_list"
parsed, taken = getattr(ses, PARSE), getattr(ses, SENT)
came: list[str] = []


class Kept:
    """The list of letters, to which one is added together with the message it was."""

    def __iter__(self) -> Iterator[Any]:
        return iter(taken())

    def __len__(self) -> int:
        return len(taken())

    def append(self, record: dict[str, Any]) -> None:
        """Keep a letter, with the message that was read last: the one it was made from.

        It stands in the one field that is told as it is and that nobody reads.
        """
        taken().append(record | ({"Type": came.pop()} if came else {}))


def parse(raw: str) -> Any:
    """Read a message, and remember it."""
    came[:] = [raw]
    return parsed(raw)


setattr(ses, PARSE, parse)
setattr(ses, SENT, Kept)
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
