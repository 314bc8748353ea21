"""International Bank Account Numbers (ISO 13616) of this bank: country GB, bank code CSGN, a made-up sort code."""

import re
import secrets

_COUNTRY, _BANK = "GB", "CSGN200000"
_FORM = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def generate() -> str:
    """A random one; eight digits are drawn, the table's unique key settles the rest."""
    return of(secrets.randbelow(10**8))


def of(number: int) -> str:
    """The one of this account number, below 10^8, with right check digits."""
    bban = f"{_BANK}{number:08d}"
    return f"{_COUNTRY}{98 - _remainder(f'{bban}{_COUNTRY}00'):02d}{bban}"


def is_valid(iban: str) -> bool:
    """Form and check digits (ISO 7064 MOD 97-10), without spaces."""
    return bool(_FORM.fullmatch(iban)) and _remainder(iban[4:] + iban[:4]) == 1


def compact(text: str) -> str:
    """As people write it, without the spaces and in capitals."""
    return text.replace(" ", "").upper()


def grouped(iban: str | None) -> str:
    """In fours, as it stands on paper."""
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4)) if iban else ""


def is_ours(iban: str) -> bool:
    return iban.startswith(_COUNTRY) and iban[4:].startswith(_BANK)


def masked(iban: str | None) -> str | None:
    """Country and the last four characters, as shown without the scope accounts:detail."""
    return f"{iban[:2]}{'•' * (len(iban) - 6)}{iban[-4:]}" if iban else None


def ending(iban: str | None) -> str:
    """What people know an account by: its last four characters."""
    return f"•••• {iban[-4:]}" if iban else ""


def _remainder(characters: str) -> int:
    return int("".join(str(int(character, 36)) for character in characters)) % 97
