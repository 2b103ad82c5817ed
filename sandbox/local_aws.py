"""What the local AWS is started by, on its own Python: ministack, changed where a stand-in would be less than the service.

- Its SES keeps each message as it came. Ministack reads text and HTML out of one and drops the rest; a mailbox that cannot
  show what was attached would show a person less than a buyer gets.
- Its Lambda unpacks a zip once. Ministack does it for every function it starts, and all of a stack's functions have the
  same zip, of 183 MB unpacked: on a slow disk they would start minutes late.
"""

import os
import runpy
import shutil
import tempfile
import threading
import types
import zipfile
from collections.abc import Iterator
from typing import Any

from ministack.core import lambda_runtime  # type: ignore[import-not-found]  # it is installed beside us, not with us
from ministack.services import ses_v2 as ses  # type: ignore[import-not-found]

PARSE, SENT = "_parse_raw_mime", "_sent_emails_list"
parsed, taken = getattr(ses, PARSE), getattr(ses, SENT)
came: list[str] = []
unpacked: dict[int, str] = {}
unpacking = threading.Lock()


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


class Zip(zipfile.ZipFile):
    """A zip whose files are written once, and linked to wherever the same are wanted again."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Put the files into a folder."""
        content = hash(tuple((entry.filename, entry.CRC) for entry in self.infolist()))
        with unpacking:
            if content not in unpacked:
                folder = tempfile.mkdtemp(prefix="unpacked-")
                super().extractall(folder, members, pwd)
                unpacked[content] = folder
        shutil.copytree(unpacked[content], path, copy_function=os.link, dirs_exist_ok=True)


setattr(ses, PARSE, parse)
setattr(ses, SENT, Kept)
lambda_runtime.zipfile = types.SimpleNamespace(**vars(zipfile) | {"ZipFile": Zip})
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
