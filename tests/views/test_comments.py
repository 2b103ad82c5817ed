"""Comments are formatted a little, and nothing that is written in them is ever more than words."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.billing.errors import Invalid
from chalicelib.views.comments import MOST_SHOWN, Block, BlockKind, Span, check, check_foot, parsed, plain

PIECES = (
    "*",
    "**",
    "[",
    "]",
    "(",
    ")",
    "\\",
    "{{",
    "}}",
    "{{hi}}",
    "https://a.example",
    "javascript:x",
    "\n",
    "- ",
    "1. ",
    "a",
    " ",
)


def looks(text: str, **snippets: str) -> list[tuple[str, list[str]]]:
    """The blocks, their words marked as they look: <b>, <i>, and an address in front of them."""
    return [
        (block.kind.value, ["".join(map(look, line)) for line in block.lines])
        for block in parsed(text, snippets)
    ]


def look(span: Span) -> str:
    text = f"<i>{span.text}</i>" if span.italic else span.text
    text = f"<b>{text}</b>" if span.bold else text
    return f"<{span.url}>{text}</>" if span.url else text


def test_paragraphs_and_lists():
    """Lines stay lines, empty ones part paragraphs, and items of one kind are one list."""
    assert looks("a\nb\n\n\nc\n- d\n- e\n1. f\n2. g") == [
        ("paragraph", ["a", "b"]),
        ("paragraph", ["c"]),
        ("bullets", ["d", "e"]),
        ("numbers", ["f", "g"]),
    ]


def test_a_german_date_is_no_list():
    """Numbers are items only as they count from one: a line that begins with the 31st is a line."""
    assert looks("31. Dezember ist Stichtag") == [("paragraph", ["31. Dezember ist Stichtag"])]
    assert looks("1. a\n3. b") == [("numbers", ["a"]), ("paragraph", ["3. b"])]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Pay by **Friday**!", "Pay by <b>Friday</b>!"),
        ("*a* **b *c*** d", "<i>a</i> <b>b </b><b><i>c</i></b> d"),
        ("***a*** **b", "<b><i>a</i></b> **b"),
        ("*a **b** c", "*a <b>b</b> c"),
            ("zz **a *b** c*", "zz <b>a </b><b><i>b</i></b><i> c</i>"),
        ("5 * 3 * 2 ** 4 *", "5 * 3 * 2 ** 4 *"),
        (r"\*no\* \[x](https://a.example)", "*no* [x](https://a.example)"),
        ("[**us** now](https://a.example/?q=1&b=2)", "<https://a.example/?q=1&b=2><b>us</b></><https://a.example/?q=1&b=2> now</>"),
        ("[write](mailto:a@b.example)", "<mailto:a@b.example>write</>"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("<script>#set page()</script>", "<script>#set page()</script>"),
        ("a\u202eb\x00c", "a b c"),
    ],
)  # fmt: skip
def test_words_look_as_they_are_marked(text: str, seen: str):
    """Bold, italic and links within a line; a sign that marks nothing is itself, and so is the markup of any page."""
    assert looks(text) == [("paragraph", [seen])]


def test_snippets_are_put_in_once():
    """A snippet is put in as it is written, formatted as anything; it brings in no other, and one that is gone says nothing."""
    assert looks("{{hi}}, {{ who }}{{gone}}", hi="**Hi**", who="{{hi}}") == [
        ("paragraph", ["<b>Hi</b>, {{hi}}"])
    ]


def test_as_text():
    """Where nothing can be formatted the addresses stand behind their words."""
    text = "**Hi**\n\n1. [us](https://a.example)\n2. [a@b.example](mailto:a@b.example)"
    assert plain(parsed(text, {})) == "Hi\n\n1. us (https://a.example)\n2. a@b.example"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("x" * 2001, "text_too_long"),
        ("{{thanks}}" * 6, "text_too_long"),
        ("Thanks, {{thank}}", "unknown_snippet"),
        ("{{ }}", "unknown_snippet"),
        ("[x](javascript:alert(1))", "link_not_allowed"),
        ("[x](//a.example)", "link_not_allowed"),
        ('[x](https://a.example"onclick=)', "link_not_allowed"),
        ("[x](file:///etc/passwd)", "link_not_allowed"),
    ],
)
def test_what_would_not_be_shown_as_meant_is_refused(text: str, code: str):
    """An unknown snippet and a link that leads anywhere but to the web or a mailbox are said, and what would be taken."""
    with pytest.raises(Invalid) as refused:
        check(text, {"thanks": "x" * 2000}, "comments")
    assert (refused.value.code, refused.value.param) == (code, "comments")


def test_what_is_fine_is_taken():
    """A text with a snippet that is there, and links to the web, is not refused."""
    check(
        "{{thanks}} {{ thanks }} [a](https://a.example/x?y=1#z), [b](mailto:b@c.example). {curly} [1]",
        {"thanks": "Thank you."},
        "comments",
    )


@pytest.mark.parametrize("text", ["line\n" * 13, "word " * 201, "{{thanks}}"])
def test_what_stands_on_every_page_leaves_room_for_the_rest(text: str):
    """A footer of more lines, or of more characters with its snippets, than a page can spare is refused; what is less is taken."""
    snippets = {"thanks": "thank you " * 101}
    with pytest.raises(Invalid) as refused:
        check_foot(text, snippets, "footer")
    assert (refused.value.code, refused.value.param) == ("footer_too_long", "footer")
    check_foot("line\n" * 12 + "\n", snippets, "footer")


def test_whatever_its_snippets_grew_to_is_read_at_once():
    """Snippets may be changed after a comment names them: what they make of it beyond what is shown costs nothing."""
    began = time.perf_counter()
    made = parsed("{{a}}" * 400, {"a": "*b " * 666})
    assert time.perf_counter() - began < 0.5
    assert sum(len(span.text) for block in made for line in block.lines for span in line) <= MOST_SHOWN


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join))
def test_whatever_is_written_is_words(text: str):
    """Any text parses to blocks of lines of words, none of them empty, and every address leads where it may."""
    for block in parsed(text, {"hi": "**[b](https://b.example)"}):
        assert isinstance(block, Block)
        assert isinstance(block.kind, BlockKind)
        assert block.lines
        assert all(block.lines)
        for line in block.lines:
            for span in line:
                assert span.text
                assert "\n" not in span.text
                assert not span.url or span.url.startswith(("http://", "https://", "mailto:"))
                assert not set(span.url) & set(" \"'<>()`\\")
