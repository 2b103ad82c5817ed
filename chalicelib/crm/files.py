"""Where documents and pictures are kept: bytes under a name, written once."""

from typing import Protocol

from chalicelib.billing.errors import PerennialError


class FilesAway(PerennialError):
    """The store of files did not answer, or refused; it may be asked again."""

    def __init__(self, detail: str) -> None:
        super().__init__("files_away", detail)


class Files(Protocol):
    """Keeps files; thread-safe. Names are `{account}/…`; what is kept under one never changes."""

    def keep(self, name: str, data: bytes, media_type: str) -> bytes:
        """Keep bytes under a name unless something is kept there already; returns what is kept there now. Raises FilesAway."""

    def read(self, name: str) -> bytes | None:
        """What is kept under a name. Raises FilesAway."""
