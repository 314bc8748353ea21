"""Currencies by ISO 4217 and how many digits their minor unit has.

From “List One: Current Currency & Funds”, published 2026-01-01 by SIX, the maintenance agency of ISO 4217
(https://www.six-group.com/en/products-services/financial-information/market-reference-data/data-standards.html). Codes
without a minor unit (gold, test, no currency) are left out. CLDR, and therefore Babel, has the digits of cash instead:
none for the Iraqi dinar, which has three in ISO 4217. Add a code when ISO does; never remove a code that an account may
have.
"""

_CODES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW "
    "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
    "MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP "
    "SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG "
    "YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
#: code -> digits: 2 for GBP, so that 1234 minor units are 12.34.
MINOR_DIGITS = {code: digits for digits, codes in _CODES.items() for code in codes.split()}
MOST_MINOR_DIGITS = max(_CODES)
#: The currency of sandbox customers, with two digits like GBP. ISO 4217 reserves this code for tests.
PLAY_MONEY = "XTS"
#: The currencies that an account may have.
OF_ACCOUNTS = frozenset({*MINOR_DIGITS, PLAY_MONEY})


def minor_digits(currency: str) -> int:
    """Raises ValueError for a code that is neither a currency of ISO 4217 nor play money."""
    if currency == PLAY_MONEY:
        return 2
    try:
        return MINOR_DIGITS[currency]
    except KeyError:
        raise ValueError(f"{currency!r} is not a currency of ISO 4217.") from None
