"""Fills templates; each is compiled once a process, and only where something is rendered."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def fill(template: str, values: dict[str, Any]) -> str:
    """The text of a template; in `.html` every value is escaped."""
    return _template(template).render(values)


def compiled(source: str) -> "Template":
    """A template of HTML from its text; every value is escaped."""
    return _environment().overlay(autoescape=True).from_string(source)


@cache
def _template(name: str) -> "Template":
    return _environment().get_template(name)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
