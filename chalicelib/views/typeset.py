"""Sets a template of typst with data, as PDF/A-3 that is tagged (PDF/A-3a, PDF/UA-1): the same data give the same bytes.

What people wrote reaches typst as JSON and is never read as markup: a template puts in values, and evaluates none.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal

from chalicelib.views import facturx, fonts

if TYPE_CHECKING:
    from typst import Compiler

_ONE_AT_A_TIME: Final = Lock()


def pdf(
    template: str, data: Mapping[str, Any], *, at: datetime, picture: bytes = b"", einvoice: bytes = b""
) -> bytes:
    """A PDF as of a moment, with a picture that the template may show, and an e-invoice (Factur-X) attached.

    Every text of the data is set in characters that can be drawn. Raises typst.TypstError on a picture that is none.
    """
    inputs = _inputs(data, picture)
    if einvoice:
        inputs["einvoice"] = einvoice.decode()
    made = _compiled(template, inputs, at, "pdf")
    return facturx.declared(made[0]) if einvoice else made[0]


def pictures(template: str, data: Mapping[str, Any], *, at: datetime, picture: bytes = b"") -> list[bytes]:
    """Its pages as they look, PNG: for people who check them."""
    return _compiled(template, _inputs(data, picture), at, "png")


def _inputs(data: Mapping[str, Any], picture: bytes) -> dict[str, str]:
    inputs = {"data": json.dumps(_drawable({**data, "fonts": fonts.FAMILIES}), ensure_ascii=False)}
    if picture:
        inputs["picture"] = _kept(picture)
    return inputs


def _compiled(
    template: str, inputs: dict[str, str], at: datetime, format_: Literal["pdf", "png"]
) -> list[bytes]:
    compiler, source = _compiler(), _source(template)
    with _ONE_AT_A_TIME:
        made = compiler.compile(
            input=source,
            sys_inputs=inputs,
            format=format_,
            pdf_standards=["a-3a", "ua-1"] if format_ == "pdf" else [],
            timestamp=int(at.timestamp()),
        )
    return made if isinstance(made, list) else [made or b""]


@cache
def _compiler() -> "Compiler":
    """One a process: it keeps what it has read of the fonts."""
    from typst import Compiler

    return Compiler(font_paths=fonts.fonts(), root=_folder())


@cache
def _source(template: str) -> bytes:
    return (Path(__file__).parent / "templates" / template).read_bytes()


@cache
def _folder() -> Path:
    """Where pictures lie for typst, which reads files and takes texts."""
    return Path(mkdtemp(prefix="perennial-"))


def _kept(picture: bytes) -> str:
    """The name of a file with the picture: the same for the same bytes."""
    from hashlib import sha256

    file = _folder() / sha256(picture).hexdigest()
    if not file.exists():
        part = file.with_suffix(".part")
        part.write_bytes(picture)
        part.rename(file)
    return file.name


def _drawable(value: Any) -> Any:
    if isinstance(value, str):
        return fonts.drawable(value)
    if isinstance(value, Mapping):
        return {name: _drawable(one) for name, one in value.items()}
    return [_drawable(one) for one in value] if isinstance(value, (list, tuple)) else value
