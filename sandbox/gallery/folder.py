"""The folder of pictures, and the page that shows them all."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from sandbox.gallery.camera import DESK, LETTER, PHONE, Camera
from sandbox.gallery.pieces import Piece

KINDS = {"letter": "Letters", "document": "Documents", "page": "Pages"}
STYLE = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }
body { margin: 1.5rem } nav a { margin-right: .8rem }
.row { display: flex; flex-wrap: wrap; gap: 1.2rem; align-items: flex-start }
figure { margin: 0; max-width: 20rem } figcaption { padding: .3rem 0 }
.shot { display: block; height: 22rem; overflow: hidden; border: 1px solid #8886; border-radius: .3rem; background: #fff }
.shot img { width: 20rem; display: block } pre { white-space: pre-wrap; max-height: 22rem; overflow: auto }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """A piece and the files it lies in, their names relative to the folder."""

    piece: Piece
    pictures: tuple[str, ...]
    pdf: str = ""


def hung(folder: Path, piece: Piece, camera: Camera) -> Hung:
    """Take the pictures of a piece, and put them into the folder."""
    taken = _taken(piece, camera)
    names = [f"{piece.language}/{piece.kind}-{piece.name}{_slug(how)}.png" for how in taken]
    for name, picture in zip(names, taken.values(), strict=True):
        _put(folder / name, picture)
    stem = f"{piece.language}/{piece.kind}-{piece.name}"
    if piece.text:
        _put(folder / f"{stem}.txt", piece.text.encode())
    if piece.html:
        _put(folder / f"{stem}.html", piece.html.encode())
    if piece.pdf:
        _put(folder / f"{stem}.pdf", piece.pdf)
    return Hung(piece=piece, pictures=tuple(names), pdf=f"{stem}.pdf" if piece.pdf else "")


def _taken(piece: Piece, camera: Camera) -> dict[str, bytes]:
    """The pictures by how they were taken: of a letter and a page at a desk and on a phone, of a document each page."""
    if piece.url:
        return {"": camera.of_url(piece.url, DESK), "phone": camera.of_url(piece.url, PHONE)}
    if piece.html:
        return {"": camera.of_html(piece.html, LETTER), "phone": camera.of_html(piece.html, PHONE)}
    return {"" if n == 1 else str(n): picture for n, picture in enumerate(piece.pictures, 1)}


def _slug(how: str) -> str:
    return f"-{re.sub('[^a-z0-9]+', '-', how)}" if how else ""


def _put(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def index(folder: Path, shown: Iterable[Hung]) -> Path:
    """One page that shows all pictures, by language and kind."""
    all_ = list(shown)
    languages = list(dict.fromkeys(one.piece.language for one in all_))
    nav = "".join(f'<a href="#{language}">{language}</a>' for language in languages)
    body = "".join(
        f'<h2 id="{language}">{language}</h2>' + "".join(_row(all_, language, kind) for kind in KINDS)
        for language in languages
    )
    file = folder / "index.html"
    file.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>What people receive</title>'
        f"<style>{STYLE}</style><h1>What people receive</h1><nav>{nav}</nav>{body}</html>",
        encoding="utf-8",
    )
    return file


def _row(all_: list[Hung], language: str, kind: str) -> str:
    mine = [one for one in all_ if (one.piece.language, one.piece.kind) == (language, kind)]
    figures = "".join(_figure(one, name) for one in mine for name in one.pictures)
    return f'<h3>{KINDS[kind]}</h3><div class="row">{figures}</div>' if mine else ""


def _figure(one: Hung, picture: str) -> str:
    piece, first = one.piece, picture == one.pictures[0]
    how = picture.removesuffix(".png").removeprefix(f"{piece.language}/{piece.kind}-{piece.name}").strip("-")
    beside = f' · <a href="{escape(one.pdf)}">PDF</a>' if one.pdf and first else ""
    text = piece.text if first else ""
    told = f"<details><summary>text</summary><pre>{escape(text)}</pre></details>" if text else ""
    caption = escape(f"{piece.name} {how}".strip().replace("_", " "))
    return (
        f'<figure><a class="shot" href="{escape(picture)}"><img loading="lazy" src="{escape(picture)}" alt="{caption}"></a>'
        f"<figcaption>{caption}{beside}</figcaption>{told}</figure>"
    )
