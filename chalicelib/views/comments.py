"""The comments of a document, formatted a little, as a tree of plain values: nothing of them is ever markup of a page.

What may be written is a small part of Markdown, within a line each: `**bold**`, `*italic*`, `[words](https://…)` with
http, https or mailto, lines that begin with `- ` or with `1. `, `2. ` and so on, an empty line between paragraphs, and a backslash before a sign
that is meant as itself. Whatever is none of these is text. `{{name}}` is the snippet of that name, put in as it is shown:
a document shows the snippets of the profile's revision it was issued with. A snippet holds no other.

    parsed("Pay by **Friday**:\n- [here](https://a.example)", {}) == (
        Block(kind=BlockKind.PARAGRAPH, lines=((Span(text="Pay by "), Span(text="Friday", bold=True), Span(text=":")),)),
        Block(kind=BlockKind.BULLETS, lines=((Span(text="here", url="https://a.example"),),)),
    )

Whoever renders it writes each span's `text` escaped, by its own means, and takes `url` as an address and nothing else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Final

from chalicelib.billing.errors import Invalid

MOST: Final = 2000
MOST_SHOWN: Final = 10_000
"""Characters with the snippets in it: a name of five could stand for two thousand, again and again."""
MOST_AT_FOOT: Final = 1000
MOST_LINES: Final = 12
"""Of what stands at the foot of every page, and must leave room for the rest of it."""
SNIPPET_NAME: Final = r"[A-Za-z0-9_-]{1,40}"


class BlockKind(StrEnum):
    """What a block is: its lines are those of a paragraph, or the items of a list."""

    PARAGRAPH = "paragraph"
    BULLETS = "bullets"
    NUMBERS = "numbers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Words that look alike; `url` is empty, or begins with http://, https:// or mailto: and holds no blank, quote or bracket."""

    text: str
    bold: bool = False
    italic: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Lines that belong together; no line is without a span, no block without a line."""

    kind: BlockKind
    lines: tuple[tuple[Span, ...], ...]


_SNIPPET: Final = re.compile(r"\{\{ ?(" + SNIPPET_NAME + r") ?\}\}")
_ANY_SNIPPET: Final = re.compile(r"\{\{([^{}\n]*)\}\}")
_URL: Final = r"(?:https?://|mailto:)[^\s()<>\"'`\\{}]{1,500}"
_LINK: Final = re.compile(r"\[([^\[\]\n]{1,250})\]\((" + _URL + r")\)")
_ANY_LINK: Final = re.compile(r"(?<!\\)\[[^\[\]\n]+\]\((\S*)")
_ITEM: Final = re.compile(r"(?:[-*]|(?P<number>\d{1,3})\.)[ \t]+(?P<rest>\S.*)")
_TOKEN: Final = re.compile(r"\\[\\*\[\]{}.-]|" + _LINK.pattern + r"|\*\*|\*|[^\\*\[]+|.")
# What would reorder or end the line of a page: control characters, embeddings, overrides, isolates, lone surrogates.
_HARMFUL: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def parsed(text: str, snippets: Mapping[str, str]) -> tuple[Block, ...]:
    """What is written, with the snippets (by name) in it; one that is not there any more says nothing.

    What snippets that grew since would make of it beyond MOST_SHOWN is left out.
    """
    whole = _whole(text, snippets)[:MOST_SHOWN]
    lines = [_HARMFUL.sub(" ", line).strip() for line in whole.split("\n")]
    return tuple(
        Block(kind=kind, lines=tuple(spans))
        for (_, kind), group in groupby(_placed(lines), key=lambda one: one[0])
        if kind is not None and (spans := [made for _, rest in group if (made := _spans(rest))])
    )


def plain(blocks: Iterable[Block]) -> str:
    """The same as text: an address stands behind its words, an item behind a hyphen or its number."""
    return "\n\n".join("\n".join(_plain_lines(block)) for block in blocks)


def check(text: str, snippets: Mapping[str, str], param: str) -> None:
    """Refuse what would not be shown as it is meant: an unknown snippet, a link elsewhere, too much. Raises Invalid."""
    if len(text) > MOST:
        raise Invalid("text_too_long", f"At most {MOST} characters.", param)
    if (shown := len(_whole(text, snippets))) > MOST_SHOWN:
        detail = f"With its snippets it has {shown} characters; at most {MOST_SHOWN} are shown. Put fewer in."
        raise Invalid("text_too_long", detail, param)
    for found in _ANY_SNIPPET.finditer(text):
        known = _SNIPPET.fullmatch(found[0])
        if known is None or known[1] not in snippets:
            detail = f"The profile has no snippet {found[1].strip()[:40]!r}; it has {', '.join(sorted(snippets)) or 'none'}."
            raise Invalid("unknown_snippet", detail, param)
    for found in _ANY_LINK.finditer(text):
        if not _LINK.match(text, found.start()):
            detail = f"A link leads to http://, https:// or mailto:, without blanks, quotes or brackets; {found[1][:80]!r} does not."
            raise Invalid("link_not_allowed", detail, param)


def check_foot(text: str, snippets: Mapping[str, str], param: str) -> None:
    """The same of what stands at the foot of every page, where there is room for little. Raises Invalid."""
    check(text, snippets, param)
    shown = plain(parsed(text, snippets))
    if len(shown) > MOST_AT_FOOT or shown.count("\n") >= MOST_LINES:
        detail = f"It stands on every page: at most {MOST_LINES} lines and {MOST_AT_FOOT} characters, with the snippets in it."
        raise Invalid("footer_too_long", detail, param)


def is_name(text: str) -> bool:
    """Whether a snippet may be called so."""
    return re.fullmatch(SNIPPET_NAME, text) is not None


def _whole(text: str, snippets: Mapping[str, str]) -> str:
    return _SNIPPET.sub(lambda found: snippets.get(found[1], ""), text.replace("\r\n", "\n"))


# -- blocks ------------------------------------------------------------------------------------------


def _placed(lines: list[str]) -> Iterator[tuple[tuple[int, BlockKind | None], str]]:
    """Each line with the block it belongs to, the n-th of a kind; an empty one ends a paragraph and belongs to none."""
    empty = number = 0
    for line in lines:
        item = _ITEM.fullmatch(line)
        if item and item["number"] and int(item["number"]) != number + 1:
            item = None  # "31. Dezember" is no item of a list
        number = int(item["number"]) if item and item["number"] else 0
        if not line:
            empty += 1
            yield (empty, None), line
        elif item is None:
            yield (empty, BlockKind.PARAGRAPH), line
        else:
            yield (empty, BlockKind.NUMBERS if number else BlockKind.BULLETS), item["rest"]


# -- spans -------------------------------------------------------------------------------------------


def _spans(line: str) -> tuple[Span, ...]:
    """A line's words, those that look alike together."""
    made: list[Span] = []
    for one in _marked(line, Span(text="")):
        if made and replace(made[-1], text="") == replace(one, text=""):
            made[-1] = replace(one, text=made[-1].text + one.text)
        elif one.text:
            made.append(one)
    return tuple(made)


def _marked(line: str, look: Span) -> Iterator[Span]:
    """The words of a line; `look` is how those at its beginning look."""
    ends = {
        sign: max((end.start() for end in found.finditer(line)), default=0) for sign, found in _ENDS.items()
    }
    for token in _TOKEN.finditer(line):
        said = token[0]
        if token[2]:
            yield from _marked(token[1], replace(look, url=token[2]))
        elif said in ends:
            name = "bold" if said == "**" else "italic"
            if _turns(line, token, ends[said], on=getattr(look, name)):
                look = replace(look, **{name: not getattr(look, name)})  # type: ignore[arg-type]
            else:
                yield replace(look, text=said)
        else:
            yield replace(look, text=said[1:] if said[0] == "\\" and len(said) == 2 else said)


# By what is ended: three asterisks end both.
_ENDS: Final = {
    sign: re.compile(r"(?<=\S)(?<![\\*])(?:\*\*\*|" + re.escape(sign) + r")(?!\*)") for sign in ("*", "**")
}


def _turns(line: str, token: re.Match[str], last: int, *, on: bool) -> bool:
    """Whether asterisks begin or end something, and are not signs by themselves; `last` is where the last of them could end it."""
    if on:
        return token.start() > 0 and not line[token.start() - 1].isspace()
    return last > token.end() and not line[token.end()].isspace()


def _plain_lines(block: Block) -> Iterator[str]:
    for n, line in enumerate(block.lines, 1):
        before = {BlockKind.BULLETS: "- ", BlockKind.NUMBERS: f"{n}. "}.get(block.kind, "")
        yield before + "".join(_plain_span(span) for span in line)


def _plain_span(span: Span) -> str:
    address = span.url.removeprefix("mailto:")
    return f"{span.text} ({address})" if span.url and span.text != address else span.text
