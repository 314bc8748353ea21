"""`manage.py demo_app`: the demo's native app; prints each step and its result."""

import json
import os
import webbrowser
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

import requests
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from demo import form_filler
from demo.fapi_app import FapiApp
from demo.management.commands.demo_seed import DEFAULT_PASSWORD
from demo.native_app import NativeApp, ProtocolError, Tokens, decode
from demo.seed import clients

CLIENT_ID = "demo-mobile"
# ASVS 5.0 10.2.3: only the scopes that its requests need.
SCOPE = "offline_access accounts:read balances:read transfers:write"
TRANSFER_MINOR_UNITS = 100


class Command(BaseCommand):
    help = "A small native app: login in the browser, accounts, a transfer, a refresh. Needs a running demo."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--issuer", default=settings.ISSUER, help="The running demo (%(default)s).")
        parser.add_argument(
            "--fapi",
            action="store_true",
            help="As a FAPI 2.0 client with signed messages and authorization details (RFC 9396).",
        )
        parser.add_argument("--login", metavar="EMAIL", help="Without a browser: fills in the pages as this user.")
        parser.add_argument(
            "--password", default=os.environ.get("DEMO_PASSWORD", DEFAULT_PASSWORD), help="For --login."
        )

    def handle(self, *args: Any, issuer: str, login: str | None, password: str, **options: Any) -> None:
        api = f"{issuer}/api/v1"
        app: NativeApp
        if options["fapi"]:
            key = clients.read(settings.DATA_DIR).get(clients.FAPI, {}).get("private_key")
            if key is None:
                raise CommandError(f"{settings.DATA_DIR} has no key of {clients.FAPI}. Start the demo: make demo")
            app = FapiApp(api=api, client_id=clients.FAPI, scope=SCOPE, private_key=key)
        else:
            app = NativeApp(api=api, client_id=CLIENT_ID, scope=SCOPE)

        def open_browser(url: str) -> None:
            self._say(url)
            if login:
                form_filler.visit(url, email=login, password=password)
                self._say(f"(filled in as {login})")
            elif not webbrowser.open(url):
                self._say("Open this address in your browser.")

        try:
            self._run(app, open_browser)
        except requests.ConnectionError as error:
            raise CommandError(f"{issuer} does not answer. Start the demo: make demo") from error
        except (ProtocolError, form_filler.StuckError) as error:
            raise CommandError(str(error)) from error

    def _run(self, app: NativeApp, open_browser: Any) -> None:
        self._step(f"Which authorization server issues tokens for {app.api}?")
        metadata = app.discover()
        self._say(f"{metadata['issuer']}, according to the API's metadata.")

        self._step("The app asks for access to your accounts and for transfers. Answer in the browser:")
        tokens = app.authorize(open_browser)
        self._step("Allowed. The app redeemed the code. This is the access token (RFC 9068):")
        self._show(tokens)

        self._step("The accounts that you picked:" if tokens.authorization_details else "The accounts:")
        accounts = app.accounts(tokens)
        self._list(accounts)

        source, destination = _pair(accounts)
        amount = {"currency": source["currency"], "minor_units": TRANSFER_MINOR_UNITS}
        self._step(f"{_money(amount)} from {source['name']} to {destination['name']}:")
        transfer = app.transfer(tokens, source["id"], destination["id"], amount)
        self._say(f"{transfer['status']} as {transfer['id']}")
        self._list(account for account in app.accounts(tokens) if account["id"] in (source["id"], destination["id"]))

        self._step("The access token expires in minutes. A refresh gives a new one without asking you:")
        renewed = app.refresh(tokens)
        self._show(renewed)
        self._say(f"It gives access to the same {len(app.accounts(renewed))} accounts.")
        self._step("Done.")

    def _show(self, tokens: Tokens) -> None:
        for part in decode(tokens.access_token):
            self._say(json.dumps(part, indent=2))

    def _list(self, accounts: Iterable[dict[str, Any]]) -> None:
        for account in accounts:
            iban = account["identifiers"][0]["value"]
            self._say(f"{account['name']:<20} {iban:<28} {_money(account['balances']['available']):>16}")

    def _step(self, text: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"\n{text}"))

    def _say(self, text: str) -> None:
        self.stdout.write("\n".join(f"  {line}" for line in text.splitlines()))
        self.stdout.flush()


def _pair(accounts: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two accounts in the same currency, of which the first has enough money."""
    for source in accounts:
        if source["balances"]["available"]["minor_units"] >= TRANSFER_MINOR_UNITS:
            for destination in accounts:
                if destination["currency"] == source["currency"] and destination is not source:
                    return source, destination
    raise CommandError("This needs a user with two accounts in one currency and money in one of them.")


def _money(amount: dict[str, Any]) -> str:
    return f"{amount['minor_units'] / 100:,.2f} {amount['currency']}"
