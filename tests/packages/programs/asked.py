"""The questions that each program of this directory reads from standard input, and the form of its answers.

Only the wheel of the resource server is installed where these programs run, so they import nothing of this repository.
"""

import base64
import json
import sys

given = json.load(sys.stdin)
SCOPE, PATH, SECRET_KEY = given["scope"], given["path"], given["secret_key"]
OAUTH = {**given["oauth"], "CLIENT_CERTIFICATE": "asked.certificate_of"}
UNWANTED = tuple(given["unwanted"])


def certificate_of(request):
    """The certificate that the test says was presented in TLS."""
    chain = getattr(request, "certificate_chain", None) or request.META.get("asked.certificate")
    return chain or ()


def answer(ask):
    """`ask(headers, chain)` returns (status, headers, body) of an answer."""
    answers = []
    for one in given["requests"]:
        chain = tuple(base64.b64decode(der) for der in one.get("chain", ()))
        status, headers, body = ask(one["headers"], chain)
        answers.append({"status": status, "challenge": headers.get("WWW-Authenticate", ""), "body": body})
    loaded = sorted(name for name in sys.modules if name.partition(".")[0] in UNWANTED)
    print(json.dumps({"answers": answers, "loaded": loaded}))  # noqa: T201


def answer_by_django():
    """The same, by Django's test client, which sends each request through the whole of Django."""
    from django.test import Client

    def ask(headers, chain):
        response = Client().get(PATH, headers=headers, **({"asked.certificate": chain} if chain else {}))
        return response.status_code, response.headers, response.json()

    answer(ask)
