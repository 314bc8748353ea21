from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import migrations, models

from banking.migrations._sql import function

_PROTECT = django.db.models.deletion.PROTECT
#: (table, its index, columns): the columns of each are a prefix of another index.
_INDEXES = (
    ("ledger_entry", "ledger_entry_account_id_e9f5e345", "account_id"),
    ("ledger_entry", "ledger_entry_transaction_id_c459e7a1", "transaction_id"),
    ("transfer", "transfer_user_id_52d37839", "user_id"),
    ("transfer", "transfer_scheduled_id_b0682db2", "scheduled_id"),
)
#: (constraint of ledger_entry, column, table): each foreign key is implied by another one that includes the currency.
_KEYS = (
    ("ledger_entry_account_id_e9f5e345_fk_bank_account_id", "account_id", "bank_account"),
    ("ledger_entry_transaction_id_c459e7a1_fk_ledger_transaction_id", "transaction_id", "ledger_transaction"),
)
_GONE = [
    *(f"DROP INDEX IF EXISTS {name}" for _, name, _ in _INDEXES),
    *(f"ALTER TABLE ledger_entry DROP CONSTRAINT IF EXISTS {name}" for name, _, _ in _KEYS),
]
_BACK = [
    *(f"CREATE INDEX {name} ON {table} ({column})" for table, name, column in _INDEXES),
    *(
        f"ALTER TABLE ledger_entry ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {table} (id)"
        " DEFERRABLE INITIALLY DEFERRED"
        for name, column, table in _KEYS
    ),
]
_FUNCTIONS = (
    ("month_closings.sql", "entry_apply"),
    ("around_the_ledger.sql", "seal_check"),
    ("scheme_messages.sql", "transfer_contradiction"),
    ("posting.sql", "write_entries"),
    ("shared_payment.sql", "is_picked"),
    ("shared_payment.sql", "prepare_payment"),
    ("payment.sql", "announce"),
    ("payment.sql", "post_transfer"),
)


def install(apps: Any, schema_editor: Any) -> None:
    """Creates the functions as their files define them now. Their arguments are unchanged, so servers of both releases
    can call them, and reversing the migration leaves them as they are.
    """
    model = get_user_model()
    fields = {field.name for field in model._meta.fields}
    name = "u.name" if "name" in fields else "concat_ws(' ', u.first_name, u.last_name)"
    text = "".join(function(*one) for one in _FUNCTIONS)
    schema_editor.execute(text.replace("{users}", model._meta.db_table).replace("{name}", name), params=None)


def _foreign_key(to: str, **options: Any) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(db_index=False, on_delete=_PROTECT, to=to, **options)


class Migration(migrations.Migration):
    """Shortens the time for which a payment locks its accounts: fewer queries, foreign keys and indexes."""

    dependencies = [
        ("banking", "0045_direct_debit_refunds"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(install, migrations.RunPython.noop),
        # Drops only these, because Django's own AlterField would check the foreign keys of every row again.
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(_GONE, _BACK)],
            [
                migrations.AlterField(
                    "ledgerentry",
                    "account",
                    _foreign_key("banking.account", db_constraint=False, related_name="entries"),
                ),
                migrations.AlterField(
                    "ledgerentry",
                    "transaction",
                    _foreign_key("banking.ledgertransaction", db_constraint=False, related_name="entries"),
                ),
                migrations.AlterField(
                    "transfer", "user", _foreign_key(settings.AUTH_USER_MODEL, related_name="+")
                ),
                migrations.AlterField(
                    "transfer",
                    "scheduled",
                    _foreign_key("banking.scheduledtransfer", blank=True, null=True, related_name="transfers"),
                ),
            ],
        ),
    ]
