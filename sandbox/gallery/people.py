"""Who sells and who buys in the gallery: a business and its customer of each language, each at home."""

from dataclasses import dataclass
from typing import Final

from chalicelib.billing.addresses import Address
from chalicelib.crm.profiles import Bank
from chalicelib.crm.tax_ids import TaxId


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A roaster (`legal_name`, `home`) and who buys from it; `goods` are what it sells, by the name on the invoice.

    `tax` is the name of its tax and the percentage.
    """

    locale: str
    zone: str
    currency: str
    legal_name: str
    home: Address
    tax_id: TaxId
    registration: str
    bank: Bank
    company: str
    buyer: str
    address: Address
    buyer_tax_id: TaxId
    goods: tuple[str, str, str]
    tax: tuple[str, str]
    color: str


def _eu(value: str) -> TaxId:
    return TaxId(type="eu_vat", value=value)


PEOPLE: Final = {
    "en": People(
        locale="en-US", zone="America/New_York", currency="usd", color="#7a3b12",
        legal_name="Harbor Roasters, Inc.", registration="", tax_id=TaxId(type="us_ein", value="12-3456789"),
        home=Address(country="US", line1="12 Commercial St", city="Portland", state="ME", postal_code="04101"),
        bank=Bank(holder="Harbor Roasters, Inc.", bank="Casco Bank", lines="Routing 011000015\nAccount 000123456789"),
        company="Northwind Traders, Inc.", buyer="Ada Lovelace", buyer_tax_id=TaxId(type="us_ein", value="98-7654321"),
        address=Address(country="US", line1="1 Market St, Suite 300", city="San Francisco", state="CA", postal_code="94105"),
        goods=("Single origin – 250 g", "Filter papers", "Grinder service"), tax=("Sales tax", "8.625"),
    ),
    "de": People(
        locale="de-DE", zone="Europe/Berlin", currency="eur", color="#0b6e4f",
        legal_name="Hafenrösterei Nordlicht GmbH", registration="HRB 123456, Amtsgericht Hamburg", tax_id=_eu("DE136695976"),
        home=Address(country="DE", line1="Speicherstraße 12", city="Hamburg", postal_code="20457"),
        bank=Bank(iban="DE89370400440532013000", bic="COBADEFFXXX", bank="Commerzbank Hamburg"),
        company="Bäckerei Grünwald & Söhne OHG", buyer="Jörg Grünwald", buyer_tax_id=_eu("DE811569869"),
        address=Address(country="DE", line1="Königsallee 1", city="Düsseldorf", postal_code="40212"),
        goods=("Äthiopien Yirgacheffe – 250 g", "Filtertüten", "Mühlenwartung"), tax=("USt.", "19"),
    ),
    "fr": People(
        locale="fr-FR", zone="Europe/Paris", currency="eur", color="#1d3f8b",
        legal_name="Brûlerie du Vieux-Port SARL", registration="RCS Marseille 303 265 045", tax_id=_eu("FR40303265045"),
        home=Address(country="FR", line1="4 quai de Rive-Neuve", city="Marseille", postal_code="13001"),
        bank=Bank(iban="FR1420041010050500013M02606", bic="PSSTFRPPMAR", bank="La Banque Postale"),
        company="Café de l’Étoile SARL", buyer="Zoé Lefèvre", buyer_tax_id=_eu("FR83404833048"),
        address=Address(country="FR", line1="8 rue de l’Œuvre", city="Paris", postal_code="75008"),
        goods=("Éthiopie Yirgacheffe – 250 g", "Filtres", "Entretien du moulin"), tax=("TVA", "20"),
    ),
    "da": People(
        locale="da-DK", zone="Europe/Copenhagen", currency="dkk", color="#9b1b30",
        legal_name="Risteriet ved Åen ApS", registration="CVR 13585628", tax_id=_eu("DK13585628"),
        home=Address(country="DK", line1="Åboulevarden 3", city="Aarhus C", postal_code="8000"),
        bank=Bank(iban="DK5000400440116243", bic="NDEADKKK", bank="Nordea"),
        company="Kaffebaren Ærø ApS", buyer="Søren Østergård", buyer_tax_id=_eu("DK13585628"),
        address=Address(country="DK", line1="Strandgade 7", city="Marstal", postal_code="5960"),
        goods=("Etiopien Yirgacheffe – 250 g", "Filterposer", "Eftersyn af kværn"), tax=("Moms", "25"),
    ),
    "es": People(
        locale="es-ES", zone="Europe/Madrid", currency="eur", color="#b8420f",
        legal_name="Tostadero del Ñandú, S.L.", registration="Registro Mercantil de Madrid, tomo 1, hoja M-1", tax_id=_eu("ESB58378431"),
        home=Address(country="ES", line1="Calle de Alcalá, 45", city="Madrid", state="M", postal_code="28014"),
        bank=Bank(iban="ES9121000418450200051332", bic="CAIXESBBXXX", bank="CaixaBank"),
        company="Cafetería Íñiguez, S.L.", buyer="Begoña Íñiguez", buyer_tax_id=_eu("ESB58378431"),
        address=Address(country="ES", line1="Gran Vía, 1", city="Bilbao", state="BI", postal_code="48001"),
        goods=("Etiopía Yirgacheffe – 250 g", "Filtros de papel", "Revisión del molino"), tax=("IVA", "21"),
    ),
    "ja": People(
        locale="ja-JP", zone="Asia/Tokyo", currency="jpy", color="#37474f",
        legal_name="港焙煎所株式会社", registration="", tax_id=TaxId(type="jp_trn", value="T1234567890123"),
        home=Address(country="JP", line1="海岸通2-1-5", city="神戸市中央区", state="兵庫県", postal_code="650-0024"),
        bank=Bank(holder="ミナトバイセンジョ", bank="みなと銀行 本店", lines="普通 1234567"),
        company="株式会社山田珈琲", buyer="山田 花子", buyer_tax_id=TaxId(type="jp_trn", value="T9876543210987"),
        address=Address(country="JP", line1="神宮前1-2-3 サクラビル4階", city="渋谷区", state="東京都", postal_code="150-0001"),
        goods=("エチオピア イルガチェフェ 250 g", "ペーパーフィルター", "ミル点検"), tax=("消費税", "10"),
    ),
    "ar": People(
        locale="ar-AE", zone="Asia/Dubai", currency="aed", color="#5b2a86",
        legal_name="محمصة الميناء ذ.م.م", registration="", tax_id=TaxId(type="ae_trn", value="100123456700003"),
        home=Address(country="AE", line1="شارع الميناء 12", city="أبوظبي", state="أبوظبي"),
        bank=Bank(iban="AE070331234567890123456", bic="BOMLAEAD", bank="بنك المشرق"),
        company="شركة القهوة العربية ذ.م.م", buyer="ليلى الحداد", buyer_tax_id=TaxId(type="ae_trn", value="100765432100003"),
        address=Address(country="AE", line1="شارع الشيخ زايد، برج 5", city="دبي", state="دبي"),
        goods=("بن إثيوبي 250 غ", "مرشحات ورقية", "صيانة المطحنة"), tax=("ضريبة القيمة المضافة", "5"),
    ),
}  # fmt: skip
"""By language."""
