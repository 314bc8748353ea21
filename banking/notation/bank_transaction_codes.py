"""Bank transaction codes of ISO 20022 (external code set, “Bank Transaction Code”): domain, family and sub-family.

They are derived from stored columns of the ledger, so old transactions have codes as well.
"""

from banking.notation import iban

#: The text form of the code: `PMNT-ICDT-DMCT`.
PATTERN = "^[A-Z]{4}-[A-Z]{4}-[A-Z]{4}$"

#: Kind of transaction -> the code for outgoing and for incoming money.
BY_KIND = {
    "card": ("PMNT-CCRD-POSD", "PMNT-CCRD-RIMB"),
    "deposit": ("PMNT-CNTR-CWDL", "PMNT-CNTR-CDPT"),
    "direct_debit": ("PMNT-RDDT-PMDD", "PMNT-RDDT-UPDD"),
    "exchange": ("FORX-SPOT-OTHR", "FORX-SPOT-OTHR"),
    "interest": ("ACMT-MDOP-INTR", "ACMT-MCOP-INTR"),
    "overdraft": ("ACMT-MDOP-INTR", "ACMT-MCOP-INTR"),
    "fee": ("ACMT-MDOP-CHRG", "ACMT-MCOP-CHRG"),
    "refund": ("PMNT-RDDT-PMDD", "PMNT-RDDT-UPDD"),
    # An incoming return refunds an earlier payment from the account. An outgoing one takes back an earlier credit.
    "return": ("PMNT-RCDT-RRTN", "PMNT-ICDT-RRTN"),
    "reversal": ("PMNT-RCDT-RRTN", "PMNT-ICDT-RRTN"),
}
_CREDIT_TRANSFERS = frozenset({"transfer", "credit_transfer", "incoming_payment"})
OTHER = ("PMNT-MDOP-OTHR", "PMNT-MCOP-OTHR")
#: Countries of the Single Euro Payments Area, as of 2026 (European Payments Council, EPC409-09).
SEPA = frozenset((
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GG", "GI", "GR",
    "HR", "HU", "IE", "IM", "IS", "IT", "JE", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO",
    "PL", "PT", "RO", "RS", "SE", "SI", "SK", "SM", "VA",
))  # fmt: skip


def code_of(
    kind: str,
    *,
    is_in: bool,
    currency: str,
    counterparty_iban: str = "",
    is_within: bool = False,
    is_standing: bool = False,
) -> str:
    """`is_within` says that both accounts are of this bank, and `is_standing` that the payment was made by a standing
    order.
    """
    if kind not in _CREDIT_TRANSFERS:
        return BY_KIND.get(kind, OTHER)[is_in]
    family = "RCDT" if is_in else "ICDT"
    if is_standing and not is_in:
        return f"PMNT-{family}-STDO"
    return f"PMNT-{family}-{_sub_family(currency, counterparty_iban, is_within=is_within)}"


def _sub_family(currency: str, counterparty_iban: str, *, is_within: bool) -> str:
    country = counterparty_iban[:2]
    if is_within or iban.is_ours(counterparty_iban):
        return "BOOK"  # within the bank
    if currency == "EUR" and country in SEPA:
        return "ESCT"
    return "DMCT" if country in ("", iban.COUNTRY) else "XBCT"  # domestic, or across a border
