"""Posts transactions and reverses each twice at the same time, with the code of the release in the working directory.

Usage: reverse_twice.py NAME. For each transaction it prints the results of both attempts. Runs until the end of its
standard input.
"""

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import django


def main() -> None:
    sys.path.insert(0, os.getcwd())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db import connection

    from banking import ledger
    from banking.models import Account, LedgerTransaction

    of_bank = {"kind": "internal", "type": "internal", "currency": "GBP"}
    one, other = (Account.objects.get_or_create(name=f"{sys.argv[1]} {number}", **of_bank)[0] for number in (1, 2))

    def reverse(original: LedgerTransaction) -> str:
        """Reverses in a transaction, as an officer's approval does."""
        together.wait(60)
        try:
            ledger.in_transaction(lambda: ledger.reverse(original, reason="Posted by mistake"))
        except Exception as error:  # noqa: BLE001  (the test expects one refusal, and nothing else)
            print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
            return type(error).__name__
        finally:
            connection.close()
        return "reversed"

    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    together = threading.Barrier(2)
    with ThreadPoolExecutor(2) as threads:
        while not ended.is_set():
            posted = ledger.in_transaction(
                lambda: ledger.post([(one, -100), (other, 100)], description="Of a test", kind="transfer")
            )
            print(json.dumps(sorted(threads.map(reverse, [posted, posted]))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
