"""Books three transactions of last month on an account that was opened before. Usage: long_statement.py ACCOUNT.

Runs as a program on DATABASE_URL, as seed.py does. Prints JSON: the month, a token of an app that reads statements, and
the name and value of the cookie of the customer's browser.
"""

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import django


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings
    from django.test import Client
    from django.utils import timezone

    from banking.accounts.opening import internal_account
    from banking.ledger import post
    from banking.models import Account
    from tests.lib.registered import make_client
    from tests.simulation.apps import App

    account = Account.objects.get(pk=sys.argv[1])
    last_month = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    Account.objects.filter(pk=account.pk).update(opened_at=last_month - timedelta(days=60))
    world = internal_account(account.currency, "Clearing")
    for amount, what in ((900, "Salary"), (-125, "Rent"), (20, "Interest")):
        post([(account, amount), (world, -amount)], description=what, kind="test", created_at=last_month)
    user = account.access.get().user
    app = make_client("mobile", client_id="reader-of-statements", name="Reader")
    app.save()
    reader = App(user.pk, app.client_id)
    reader.allow()
    browser = Client()
    browser.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    found = {
        "month": f"{last_month:%Y-%m}", "token": reader.token, "cookie": name, "session": browser.cookies[name].value,
    }  # fmt: skip
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
