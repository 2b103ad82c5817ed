"""The logo on letters and documents."""

import base64
import binascii

from chalicelib.billing.errors import Invalid
from chalicelib.crm.profiles import Profile
from chalicelib.operations import logo
from chalicelib.web.bodies import Body
from chalicelib.web.endpoint import Call


class NewLogo(Body, frozen=True):
    """A PNG or JPEG in base64, at most 180 KB and 2400 pixels each way; empty for none."""

    picture: str


def change(call: Call, body: NewLogo) -> Profile:
    """Show a picture on letters and documents from now on; documents that were issued before keep the one they had.

    SVG is not taken: mail programs do not show it.
    """
    try:
        picture = base64.b64decode(body.picture, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("not_base64", "Send the bytes of the picture in base64.", logo.PARAM) from error
    return logo.set_(call.service, call.account.id, picture, by=call.key)
