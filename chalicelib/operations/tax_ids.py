"""Whether a tax office could have given a number: its form and check digits, as far as they are known for its kind."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, cast

from chalicelib.billing.errors import Invalid
from chalicelib.crm.tax_ids import TYPES, TaxId

MOST: Final = 20
KNOWN: Final = {
    "ad_nrt": "ad.nrt", "al_tin": "al.nipt", "ar_cuit": "ar.cuit", "au_abn": "au.abn", "br_cnpj": "br.cnpj",
    "br_cpf": "br.cpf", "by_tin": "by.unp", "ca_bn": "ca.bn", "ca_gst_hst": "ca.bn", "ch_uid": "ch.uid",
    "ch_vat": "ch.vat", "cl_tin": "cl.rut", "co_nit": "co.nit", "de_stn": "de.stnr", "do_rcn": "do.rnc",
    "ec_ruc": "ec.ruc", "eg_tin": "eg.tn", "es_cif": "es.nif", "eu_vat": "eu.vat", "eu_oss_vat": "eu.oss",
    "fo_vat": "fo.vn", "gb_vat": "gb.vat", "gn_nif": "gn.nifp", "hr_oib": "hr.oib", "hu_tin": "hu.anum",
    "id_npwp": "id.npwp", "il_vat": "il.hp", "in_gst": "in_.gstin", "is_vat": "is_.vsk", "it_cf": "it.codicefiscale",
    "jp_cn": "jp.cn", "ke_pin": "ke.pin", "kr_brn": "kr.brn", "li_uid": "ch.uid", "ma_vat": "ma.ice",
    "me_pib": "me.pib", "mk_vat": "mk.edb", "mx_rfc": "mx.rfc", "no_vat": "no.mva", "nz_gst": "nz.ird",
    "pe_ruc": "pe.ruc", "pl_nip": "pl.nip", "py_ruc": "py.ruc", "ro_tin": "ro.cf", "rs_pib": "rs.pib",
    "sg_uen": "sg.uen", "si_tin": "si.ddv", "sn_ninea": "sn.ninea", "sv_nit": "sv.nit", "tr_tin": "tr.vkn",
    "tw_vat": "tw.ubn", "us_ein": "us.ein", "uy_ruc": "uy.rut", "ve_rif": "ve.rif", "vn_tin": "vn.mst",
    "za_vat": "za.tin",
}  # fmt: skip
"""The module of python-stdnum that checks a kind; of the others only what a line of text may be is checked."""
PREFIXED: Final = {"gb_vat": "GB"}
"""Kinds that are printed with letters that their check does not take."""
COMPACT: Final = frozenset({"eu_vat", "eu_oss_vat", "gb_vat"})
"""Kinds that are kept without blanks, as EN 16931 writes them."""


def checked(given: Sequence[TaxId], param: str) -> tuple[TaxId, ...]:
    """Tax ids as they are printed. Raises Invalid, naming the field and what is wrong."""
    if len(given) > MOST:
        raise Invalid("too_many_tax_ids", f"At most {MOST}.", param)
    found = tuple(_checked(one, f"{param}[{n}]") for n, one in enumerate(given))
    for n, one in enumerate(found):
        if one in found[:n]:
            raise Invalid("tax_id_twice", f"{one.value} is there already; leave it out.", f"{param}[{n}]")
    return found


def _checked(given: TaxId, param: str) -> TaxId:
    if given.type not in TYPES:
        detail = f"{given.type[:40]!r} is no type of Stripe's; send one such as eu_vat, gb_vat, ch_vat, de_stn or us_ein."
        raise Invalid("unknown_tax_id_type", detail, f"{param}.type")
    value = given.value.strip()
    if not value or len(value) > 50:
        raise Invalid("tax_id_malformed", "Send from 1 to 50 characters.", f"{param}.value")
    return TaxId(type=given.type, value=_valid(given.type, value, f"{param}.value"))


def _valid(type_: str, value: str, param: str) -> str:
    """The value as it is printed, after the check of its kind."""
    if type_ not in KNOWN:
        return value
    from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError

    module = cast(Any, import_module(f"stdnum.{KNOWN[type_]}"))
    try:
        compact: str = module.validate(value)
    except InvalidChecksum:
        why = "its check digit is wrong: one of its digits is not as it was given"
    except InvalidLength:
        why = "it has too few or too many characters"
    except ValidationError:
        why = "it has not the form of that kind" + _form_of(type_)
    else:
        return PREFIXED.get(type_, "") + compact if type_ in COMPACT else value
    raise Invalid("tax_id_invalid", f"{value!r} is no {type_}: {why}.", param)


def _form_of(type_: str) -> str:
    return ", two letters of the country and the number, such as DE136695976" if type_ == "eu_vat" else ""
