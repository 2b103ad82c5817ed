"""Numbers by which tax offices know a business."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxId:
    """`type` is Stripe's name of the kind (eu_vat, gb_vat, de_stn, us_ein …), `value` as it is printed."""

    type: str
    value: str
