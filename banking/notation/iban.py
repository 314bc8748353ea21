"""International Bank Account Numbers (ISO 13616) of this bank: country GB, bank code CSGN, a made-up sort code."""

import re
import secrets

_COUNTRY, _BANK = "GB", "CSGN200000"


def _pattern(letters: str, gap: str = "") -> str:
    return f"([{letters}]{gap}){{2}}([0-9]{gap}){{2}}([{letters}0-9]{gap}){{11,30}}"


_FORM = re.compile(_pattern("A-Z"))
#: What `compact` makes that form of, for a JSON Schema (ECMA 262).
WRITTEN_PATTERN = f"^ *{_pattern('A-Za-z', ' *')}$"
#: 34 and the spaces between groups of four.
MAX_WRITTEN_CHARACTERS = 42


def generate() -> str:
    """A random IBAN of this bank. The unique key of the table refuses one that exists."""
    return from_number(secrets.randbelow(10**8))


def from_number(number: int) -> str:
    """The IBAN of an account number below 10^8."""
    bban = f"{_BANK}{number:08d}"
    return f"{_COUNTRY}{98 - _remainder(f'{bban}{_COUNTRY}00'):02d}{bban}"


def is_valid(iban: str) -> bool:
    """Checks the form and the check digits (ISO 7064 MOD 97-10) of an IBAN without spaces."""
    return bool(_FORM.fullmatch(iban)) and _remainder(iban[4:] + iban[:4]) == 1


def compact(text: str) -> str:
    """Without spaces and in capital letters."""
    return text.replace(" ", "").upper()


def grouped(iban: str | None) -> str:
    """In groups of four, as on paper."""
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4)) if iban else ""


def is_ours(iban: str) -> bool:
    return iban.startswith(_COUNTRY) and iban[4:].startswith(_BANK)


def masked(iban: str) -> str:
    """The country and the last four characters: what an app sees without the scope accounts:detail."""
    return f"{iban[:2]}{'•' * (len(iban) - 6)}{iban[-4:]}"


def ending(iban: str | None) -> str:
    """The last four characters, by which users know an account."""
    return f"•••• {iban[-4:]}" if iban else ""


def _remainder(characters: str) -> int:
    return int("".join(str(int(character, 36)) for character in characters)) % 97
