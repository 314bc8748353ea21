"""“Build a client”: advice and a sample program for each kind of app. Public; runs no database query."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from oauth.clients import EXPLANATIONS, preset, snippets
from oauth.conf import conf
from oauth.models import Client
from oauth.models.client import Kind

_NAMES = {
    Kind.MOBILE: ("appauth.swift", "appauth.kt", "authlib_code.py"),
    Kind.BROWSER: ("bff.mjs",),
    Kind.WEB: ("authlib_code.py", "openid_client_code.mjs"),
    Kind.SERVICE: ("curl_service.sh", "authlib_service.py", "openid_client_service.mjs"),
    Kind.DEVICE: ("device.py",),
}
_REDIRECT_URIS = {
    Kind.MOBILE: "com.example.app:/callback",
    Kind.BROWSER: "http://127.0.0.1:3000/callback",
    Kind.WEB: "https://app.example/callback",
}


@require_safe
def guide(request: HttpRequest, kind: str = "") -> HttpResponse:
    if kind and kind not in Kind.values:
        raise Http404
    chosen = Kind(kind) if kind else None
    context = {
        "kinds": [(one, _(one.label), _(EXPLANATIONS[one])) for one in _NAMES],
        "kind": chosen,
        "label": _(chosen.label) if chosen else "",
        "snippets": example_snippets(chosen) if chosen else [],
        "issuer": conf.ISSUER,
        "minutes": int(conf.ACCESS_TOKEN_LIFETIME.total_seconds() // 60),
    }
    return render(request, "oauth/build.html", context)


def example_snippets(kind: Kind) -> list[snippets.Snippet]:
    """Sample programs with the values of an example client.

    For a browser app, shows the program of a web app, because it should have a back end.
    """
    values = preset(Kind.WEB if kind == Kind.BROWSER else kind)
    scopes = ["openid", *[name for name in conf.SCOPES if name.endswith(":read")][:1]]
    redirect_uris = _REDIRECT_URIS.get(kind, "")
    client = Client(**values, client_id="your-client-id", allowed_scopes=scopes, redirect_uris=redirect_uris)
    return snippets.for_client(client, _NAMES[kind])
