"""The scripts with which the suite's own browser fills in our pages, using the ids and names of their forms."""

from collections.abc import Sequence
from typing import Any

from demo.management.commands.demo_seed import DEFAULT_PASSWORD

EMAIL = "alice@demo.test"
_SECONDS = 10
#: The picture that an app registered as logo_uri, and the link that loads the login page again.
LOGO, LOGIN_LINK = "img.app-picture", "nav a[href^='/accounts/login/?next=']"
# The suite opens the login page immediately after it registered the client, and the background worker fetches the logo
# shortly afterwards. A script cannot pause, so it loads the page this often, for a few seconds in all.
_RELOADS = 100
# Takes a screenshot for the reviewer, if the module asks for one on this page.
_PICTURE = "update-image-placeholder-optional"


def scripts(issuer: str, suite: str) -> list[dict[str, Any]]:
    """Logs in, allows the request, takes a screenshot of an error page, and confirms a logout."""
    return [_authorization(issuer, suite, "allow"), _logout(issuer, suite)]


def overrides(issuer: str, suite: str) -> dict[str, Any]:
    """Scripts of the modules that need other ones, by the name of the module."""
    scripts = {
        "fapi2-security-profile-final-user-rejects-authentication": [_authorization(issuer, suite, "deny")],
        # At the first visit, the script only opens the login page; at the second, it logs in.
        "fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds": [
            {"match": f"{issuer}/oauth/authorize*", "match-limit": 1, "tasks": [_optional("Look", f"{issuer}/*")]},
            _authorization(issuer, suite, "allow"),
        ],
    }
    # In these modules, the reviewer must see the second login.
    for module in ("oidcc-prompt-login", "oidcc-max-age-1"):
        scripts[module] = [_authorization(issuer, suite, "allow", login_picture=True)]
    for module in ("oidcc-registration-policy-uri", "oidcc-registration-tos-uri"):
        scripts[module] = [_look(issuer, "body")]
    scripts["oidcc-registration-logo-uri"] = [_look(issuer, LOGO, [["click", "css", LOGIN_LINK]] * _RELOADS)]
    return {module: {"browser": script} for module, script in scripts.items()}


def _look(issuer: str, shown: str, before: Sequence[list[Any]] = ()) -> dict[str, Any]:
    """Takes a screenshot of the login page, which must have the element `shown`."""
    picture = ["wait", "css", shown, _SECONDS, r"[\s\S]*", "update-image-placeholder"]
    return {
        "match": f"{issuer}/oauth/authorize*",
        "tasks": [
            {"task": "See the login page", "match": f"{issuer}/accounts/login/*", "commands": [*before, picture]}
        ],
    }


def _authorization(issuer: str, suite: str, decision: str, *, login_picture: bool = False) -> dict[str, Any]:
    consent = f"{issuer}/oauth/authorize*"
    see = ["wait", "css", "input[name=password]", _SECONDS, r"[\s\S]*", *([_PICTURE] if login_picture else [])]
    return {
        "match": f"{issuer}/oauth/authorize*",
        "tasks": [
            _optional(
                "Log in",
                f"{issuer}/accounts/*",
                see,
                ["text", "name", "login", EMAIL, "optional"],
                ["text", "name", "password", DEFAULT_PASSWORD],
                ["click", "xpath", "//form[.//input[@name='password']]//button[@type='submit']"],
            ),
            _optional("Decide", consent, ["click", "css", f"#consent button[value={decision}]", "optional"]),
            # Before it redirects to a client that registered itself, this server shows a page with the target.
            _optional(
                "Leave",
                consent,
                ["click", "css", "a.button[rel~=nofollow]", "optional"],
                ["click", "css", f"form[action^='{suite}/'] button", "optional"],
            ),
            _optional("See the error page", consent, ["wait", "css", ".notice.bad", _SECONDS, r"[\s\S]*", _PICTURE]),
            _optional("Return", f"{suite}/test/*/callback*", ["wait", "id", "submission_complete", _SECONDS]),
        ],
    }


def _logout(issuer: str, suite: str) -> dict[str, Any]:
    here = f"{issuer}/oauth/logout*"
    return {
        "match": here,
        "tasks": [
            _optional("See the page", here, ["wait", "css", "h1", _SECONDS, r"[\s\S]*", _PICTURE]),
            _optional("Log out", here, ["click", "css", "button[value=logout]", "optional"]),
            _optional("Return", f"{suite}/test/*/post*"),
        ],
    }


def _optional(task: str, match: str, *commands: list[Any]) -> dict[str, Any]:
    return {"task": task, "optional": True, "match": match, "commands": list(commands)}
