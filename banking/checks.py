"""The settings of the bank: limits are complete and of real currencies, the calendar and the payment scheme exist.

`manage.py check --database default` also verifies that the guarantees of the ledger are in place."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils.module_loading import import_string

from banking import database
from banking.account_life.dormancy import LEAST_DORMANT_DAYS
from banking.accounts.statement_pdf import font_of, needs_font
from banking.models import Account
from banking.models.ledger import MAX_AMOUNT_MINOR
from banking.notation import business_days
from banking.notation.currencies import OF_ACCOUNTS, PLAY_MONEY
from banking.second_bank import SecondBank

#: The settings that map currencies to minor units.
_LIMITS = ("STEP_UP_AMOUNT_MINOR", "NEW_PAYEE_LIMIT_MINOR")


@register(Tags.security)
def check_limits(**_: Any) -> list[CheckMessage]:
    limits: dict[str, Mapping[str, object]] = {name: getattr(settings, name) for name in _LIMITS}
    wrong = [
        f"{name}: {currency}={amount}"
        for name, by_currency in limits.items()
        for currency, amount in by_currency.items()
        if currency not in OF_ACCOUNTS or type(amount) is not int or not 0 <= amount <= MAX_AMOUNT_MINOR
    ]
    if wrong:
        return [
            Error(
                f"A limit must be a currency of ISO 4217 and a whole number of its minor units; it is {one}.",
                hint="List each currency, such as GBP=1000000,JPY=2000000.",
                id="banking.E002",
            )
            for one in wrong
        ]
    step_up, new_payee = (set(limits[name]) for name in _LIMITS)
    return [
        Error(
            f"{currency} has a limit in one of {' and '.join(_LIMITS)} only.",
            hint="Both must have the same currencies: without an entry, nothing is allowed.",
            id="banking.E003",
        )
        for currency in sorted(step_up ^ new_payee)
    ]


@register(Tags.security)
def check_business_days(**_: Any) -> list[CheckMessage]:
    try:
        business_days.check_calendar(settings.BANK_HOLIDAYS)
    except ValueError as error:
        hint = "A country such as DE, a part of one such as GB-ENG, ECB, or nothing for weekends alone."
        return [Error(str(error), hint=hint, id="banking.E004")]
    return []


@register(Tags.security)
def check_dormant_days(**_: Any) -> list[CheckMessage]:
    if settings.BANK_DORMANT_DAYS == 0 or settings.BANK_DORMANT_DAYS >= LEAST_DORMANT_DAYS:
        return []
    return [
        Error(
            f"BANK_DORMANT_DAYS is {settings.BANK_DORMANT_DAYS}, but the database treats an account as in use if it "
            f"was used in the last {LEAST_DORMANT_DAYS} days.",
            hint=f"Set it to {LEAST_DORMANT_DAYS} or more, or to 0, with which no account becomes dormant.",
            id="banking.E007",
        )
    ]


@register(deploy=True)
def check_fonts(**_: Any) -> list[CheckMessage]:
    """Runs only with `--deploy`, because it loads Typst, which no other check needs."""
    missing = [code for code, _name in settings.LANGUAGES if needs_font(code) and font_of(code) is None]
    return [
        Info(
            f"No font is installed for statements as PDF in the language {code}: they are in English, and a name in "
            "its letters shows as boxes.",
            hint="Install a font package, such as fonts-noto-cjk or the smaller fonts-wqy-microhei of Debian.",
            id="banking.I001",
        )
        for code in missing
    ]


@register(Tags.security)
def check_payment_scheme(**_: Any) -> list[CheckMessage]:
    if not settings.PAYMENT_SCHEME:
        return []
    try:
        scheme = import_string(settings.PAYMENT_SCHEME)
    except ImportError as error:
        hint = "Name a class that implements banking.payments.scheme.PaymentScheme."
        return [Error(f"PAYMENT_SCHEME cannot be imported: {error}", hint=hint, id="banking.E005")]
    if scheme is SecondBank and not settings.BANK_SANDBOX:
        return [
            Error(
                "PAYMENT_SCHEME is the simulated second bank, which creates money, but this site is not a sandbox.",
                hint="Set PAYMENT_SCHEME to the adapter of a real scheme. BANK_SANDBOX=on is only for a site without "
                "real money.",
                id="banking.E006",
            )
        ]
    return []


@register(Tags.database)
def check_currencies(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    if not _is_migrated(databases):
        return []
    used = Account.objects.filter(kind=Account.Kind.CUSTOMER).order_by().values_list("currency", flat=True).distinct()
    return [
        Warning(
            f"Customers have accounts in {currency}, but STEP_UP_AMOUNT_MINOR has no entry for it.",
            hint="Until it has one, every payment needs a fresh login, and new payees get nothing.",
            id="banking.W001",
        )
        for currency in sorted(set(used) - set(settings.STEP_UP_AMOUNT_MINOR) - {PLAY_MONEY})
    ]


@register(Tags.database)
def check_guarantees(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    if not _is_migrated(databases):
        return []
    return [
        Error(
            f"A guarantee of the ledger is missing: {one}.",
            hint="Stop the site, find out who changed the database, and restore what banking/migrations created.",
            id="banking.E001",
        )
        for one in database.broken_guarantees()
    ]


def _is_migrated(databases: Sequence[str] | None) -> bool:
    """`migrate` runs the database checks before it creates the tables that they check."""
    if not databases or "default" not in databases:
        return False
    loader = MigrationLoader(connection)
    return set(loader.graph.leaf_nodes("banking")) <= set(loader.applied_migrations)
