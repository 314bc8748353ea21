"""How the programs in this folder talk to tests/interop/programs.py, which acts as the user's browser."""

import json
import os

import requests


def open_url(url: str) -> str:
    """The user opens the URL. Returns the URL that the browser was sent back to."""
    print(f"open {url}", flush=True)
    return input()


def report(**result: object) -> None:
    print(f"report {json.dumps(result)}", flush=True)


def count_accounts(session: requests.Session) -> int:
    """Calls the API with the access token. Returns the number of accounts."""
    answer = session.get(f"{os.environ['API']}/accounts")
    answer.raise_for_status()
    return len(answer.json()["data"])
