"""International Bank Account Numbers (ISO 13616) of this bank: country GB, bank code CSGN, a made-up sort code."""

import re
import secrets

COUNTRY = "GB"
_SORT_CODE = "200000"
_BANK = f"CSGN{_SORT_CODE}"
# A British sort code and account number, as users write them: 20-00-00 12345678.
_DOMESTIC = re.compile(r"([0-9]{2})[ -]?([0-9]{2})[ -]?([0-9]{2})[ ,/-]*([0-9]{8})")


def _pattern(letters: str, gap: str = "") -> str:
    return f"([{letters}]{gap}){{2}}([0-9]{gap}){{2}}([{letters}0-9]{gap}){{11,30}}"


_FORM = re.compile(_pattern("A-Z"))
# Separators between groups, as users and documents write them: spaces of any width, hyphens, dots, slashes.
_GAP = r"[ \u00a0\u2007\u2009\u202f\u2010-\u2013.\/-]*"
_PREFIX = f"{_GAP}([Ii][Bb][Aa][Nn]{_GAP}:?)?{_GAP}"
_WRITTEN_PREFIX, _WRITTEN_GAP = re.compile(f"^{_PREFIX}"), re.compile(_GAP)
#: The texts that `compact` turns into this form, as a pattern for a JSON Schema (ECMA 262).
WRITTEN_PATTERN = f"^{_PREFIX}{_pattern('A-Za-z', _GAP)}$"
#: 34 characters, separators between groups of four, and the prefix.
MAX_WRITTEN_CHARACTERS = 64


def generate() -> str:
    """A random IBAN of this bank. An account may already have it."""
    return from_number(secrets.randbelow(10**8))


def from_number(number: int) -> str:
    """The IBAN of an account number below 10^8."""
    bban = f"{_BANK}{number:08d}"
    return f"{COUNTRY}{98 - _remainder(f'{bban}{COUNTRY}00'):02d}{bban}"


def is_valid(iban: str) -> bool:
    """Checks an IBAN without separators: its country's structure in the registry (ISO 13616) and its check digits (ISO
    7064 MOD 97-10), which are 02 to 98: 98 minus a remainder of 97.

    The check digits that some countries have within the account number are not checked, because banks there issue
    numbers that break them.
    """
    from stdnum import (
        iban as registry,
    )  # imported at the first payment of a process, because the import reads the registry

    if not _FORM.fullmatch(iban) or not 2 <= int(iban[2:4]) <= 98:
        return False
    return bool(registry.is_valid(iban, check_country=False))


def compact(text: str) -> str:
    """The IBAN in capital letters, without separators and without the word IBAN."""
    return _WRITTEN_GAP.sub("", _WRITTEN_PREFIX.sub("", text.strip(), count=1)).upper()


def read_domestic(text: str) -> tuple[str, str] | None:
    """The sort code (six digits) and the account number (eight digits); None if the text is something else."""
    found = _DOMESTIC.fullmatch(text.strip())
    return ("".join(found.groups()[:3]), found[4]) if found else None


def from_domestic(sort_code: str, number: str) -> str | None:
    """The IBAN; None for a sort code of another bank, because no public list maps sort codes to the bank codes of
    IBANs.
    """
    return from_number(int(number)) if sort_code == _SORT_CODE else None


def domestic(iban: str | None) -> tuple[str, str] | None:
    """The sort code, with hyphens, and the account number of a British IBAN; None for any other IBAN."""
    if not iban or not re.fullmatch(f"{COUNTRY}[0-9]{{2}}[A-Z]{{4}}[0-9]{{14}}", iban):
        return None
    return f"{iban[8:10]}-{iban[10:12]}-{iban[12:14]}", iban[14:]


def grouped(iban: str | None) -> str:
    """The IBAN in groups of four, as on paper."""
    return " ".join(iban[at : at + 4] for at in range(0, len(iban), 4)) if iban else ""


def is_ours(iban: str) -> bool:
    return iban.startswith(COUNTRY) and iban[4:].startswith(_BANK)


def masked(iban: str) -> str:
    """Only the country and the last four characters, for apps without the scope accounts:detail."""
    return f"{iban[:2]}{'•' * (len(iban) - 6)}{iban[-4:]}"


def ending(iban: str | None) -> str:
    """The last four characters, by which users recognize an account."""
    return f"•••• {iban[-4:]}" if iban else ""


def _remainder(characters: str) -> int:
    return int("".join(str(int(character, 36)) for character in characters)) % 97
