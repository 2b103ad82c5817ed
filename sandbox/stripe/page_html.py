"""The pages' HTML in small pieces: one layout, and form fields that carry their label, hint and error."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from sandbox.stripe.replies import Reply

HTML = "text/html; charset=utf-8"
_STYLE = """
*{box-sizing:border-box}
body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#f4f5f7}
main{max-width:32rem;margin:0 auto;padding:1.5rem 1rem 3rem;background:#fff;min-height:100vh}
h1{font-size:1.5rem;line-height:1.25;margin:.5rem 0 1rem} h2,legend{font-size:1.125rem;font-weight:600;padding:0}
fieldset{border:0;padding:0;margin:1.5rem 0 0} a{color:#0b57d0}
.test{background:#fff3cd;border:1px solid #7a5b00;padding:.25rem .75rem;border-radius:.25rem}
.lines{list-style:none;margin:0;padding:0} .lines li,.lines p{display:flex;justify-content:space-between;gap:1rem}
label{display:block;font-weight:600;margin-top:1rem} .hint{color:#4a4a4a;margin:0}
input:not([type=radio]):not([type=checkbox]){width:100%;min-height:2.75rem;font:inherit;padding:.5rem;
 border:1px solid #6b6b6b;border-radius:.25rem;background:#fff;color:inherit}
input[aria-invalid=true]:not([type=radio]):not([type=checkbox]){border:2px solid #b3261e} .error{color:#b3261e;margin:.25rem 0 0;font-weight:600}
.choice{border:1px solid #6b6b6b;border-radius:.25rem;padding:.75rem;margin-top:.5rem}
.choice>label,.tick label{display:inline;margin:0 0 0 .5rem} input[type=radio],input[type=checkbox]{width:1.25rem;height:1.25rem;vertical-align:middle}
.choice>.fields{display:none} .choice>input:checked~.fields{display:block} .tick{margin-top:1.5rem}
button{width:100%;min-height:3rem;margin-top:1.5rem;font:inherit;font-weight:600;border:0;border-radius:.25rem;
 background:#0b57d0;color:#fff;cursor:pointer} button.second{background:#fff;color:#1a1a1a;border:1px solid #6b6b6b}
button.small{width:auto;min-height:2.75rem;margin:.5rem 0 0;padding:0 1rem}
:focus-visible{outline:3px solid #0b57d0;outline-offset:2px}
.alert{border:2px solid #b3261e;border-radius:.25rem;padding:.5rem 1rem;margin:1rem 0}
"""


def page(title: str, body: str, *, status: int = 200, troubled: bool = False) -> Reply:
    """`title` is the one h1 too, as plain text."""
    shown = f"Error: {title}" if troubled else title
    whole = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(shown)}</title><style>{_STYLE}</style></head><body><main>"
        '<p class="test">Test mode: no money moves.</p>'
        f"<h1>{escape(title)}</h1>{body}</main></body></html>"
    )
    return Reply(status, whole.encode(), (("Cache-Control", "no-store"),), HTML)


def seen_other(url: str) -> Reply:
    """303: the browser goes on with a GET, and reloading does not send the form again."""
    return Reply(303, b"", (("Location", url), ("Cache-Control", "no-store")), HTML)


@dataclass(frozen=True, slots=True)
class Filled:
    """What the buyer has typed so far, and what is wrong with it, by field."""

    values: dict[str, str]
    errors: dict[str, str]
    trouble: str = ""
    """What is wrong with no field in particular: the bank's no."""

    def value(self, name: str) -> str:
        return self.values.get(name, "").strip()

    @property
    def troubled(self) -> bool:
        return bool(self.errors or self.trouble)


def field(
    filled: Filled, name: str, label: str, *, hint: str = "", autocomplete: str = "", **more: str
) -> str:
    """A text field; `more` are further attributes, such as inputmode."""
    id_ = escape(name, quote=True)
    error = filled.errors.get(name, "")
    described = [f"{id_}-hint"] * bool(hint) + [f"{id_}-error"] * bool(error)
    attributes = {"autocomplete": autocomplete, "aria-describedby": " ".join(described), **more}
    if error:
        attributes["aria-invalid"] = "true"
    shown = "".join(f' {key}="{escape(value, quote=True)}"' for key, value in attributes.items() if value)
    return (
        f'<label for="{id_}">{escape(label)}</label>'
        + (f'<p class="hint" id="{id_}-hint">{escape(hint)}</p>' if hint else "")
        + f'<input id="{id_}" name="{id_}" value="{escape(filled.values.get(name, ""), quote=True)}"{shown}>'
        + (f'<p class="error" id="{id_}-error">{escape(error)}</p>' if error else "")
    )


def group(legend: str, *parts: str) -> str:
    return f"<fieldset><legend>{escape(legend)}</legend>{''.join(parts)}</fieldset>"


def alert(filled: Filled) -> str:
    """Announced at once by a screen reader, and where the keyboard starts."""
    if not filled.troubled:
        return ""
    links = "".join(
        f'<li><a href="#{escape(name, quote=True)}">{escape(message)}</a></li>'
        for name, message in filled.errors.items()
    )
    said = f"<p>{escape(filled.trouble)}</p>" if filled.trouble else ""
    listed = f"<p>Please correct:</p><ul>{links}</ul>" if links else ""
    return f'<div class="alert" role="alert" tabindex="-1" autofocus>{said}{listed}</div>'
