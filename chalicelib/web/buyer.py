"""The pages behind letters' links, hung into Chalice: GET shows one, POST does what its button says."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chalice.app import Chalice, Response

    from chalicelib.service import Service
    from chalicelib.views.reading import Reader
    from chalicelib.web.buyer_pages import Answer

HERE = "/b/{token}"
PDF = "pdf"


def mount(app: "Chalice", service: Callable[[], "Service"]) -> None:
    """Serve the pages under `/b/{token}`; the service is asked for with the first request, not before."""

    @app.route(HERE, methods=["GET"])
    def buyer(token: str) -> "Response":
        from chalicelib.web import buyer_answers

        query = (_came(app).query_params or {}).items()
        return _response(buyer_answers.look(service(), token, dict(query), _stranger(_came(app))))

    # No content types: Chalice would refuse others in JSON; the answer does it with a page.
    @app.route(f"{HERE}/{{act}}", methods=["GET", "POST"], content_types=[])
    def buyer_acts(token: str, act: str) -> "Response":
        from chalicelib.web import buyer_answers

        came = _came(app)
        if came.method == "GET" and act == PDF:
            return _response(buyer_answers.pdf(service(), token, _stranger(came)))
        if came.method == "GET":
            return _response(buyer_answers.back(service(), token, act, _stranger(came)))
        body = bytes(came.raw_body)
        return _response(
            buyer_answers.press(service(), token, act, came.headers, body, stranger=_stranger(came))
        )

    app.register_middleware(_as_page, "http")


def _came(app: "Chalice") -> Any:
    return app.current_request


def _stranger(came: Any) -> "Reader":
    """How whoever asked is written to, as long as nobody knows who it is."""
    from chalicelib.views import reading

    return reading.preferring(str((getattr(came, "headers", None) or {}).get("accept-language") or ""))


def _response(answer: "Answer") -> "Response":
    from chalice.app import Response

    if answer.data:
        from chalicelib.web.binary import Binary

        return Binary(body=answer.data, status_code=answer.status, headers=dict(answer.headers))
    return Response(body=answer.html, status_code=answer.status, headers=dict(answer.headers))


def _as_page(came: Any, get_response: "Callable[[Any], Response]") -> "Response":
    """What Chalice itself refuses, or could not do for a fault of ours, is a page too."""
    response = get_response(came)
    html = "text/html" in str(response.headers.get("Content-Type", ""))
    if response.status_code < 400 or html or not str(getattr(came, "path", "")).startswith("/b/"):
        return response
    from chalicelib.web import buyer_pages

    page = _response(buyer_pages.trouble(response.status_code, reader=_stranger(came)))
    page.headers |= {name: value for name, value in response.headers.items() if name == "Allow"}
    return page
