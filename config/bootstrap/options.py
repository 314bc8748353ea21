"""The options of `manage.py bootstrap`. Must not import Django."""

from argparse import ArgumentParser

DEFAULT_FOLDER = "/etc/countersign"
#: The values of oauth.models.client.Kind.
KINDS = ("web", "mobile", "browser", "service", "device")

HELP = (
    "Makes the secrets, the tables, the database role of the site, the first admin and the first client. Keeps "
    "what exists: a second run changes nothing and lists what exists."
)


def add(parser: ArgumentParser) -> None:
    parser.add_argument(
        "folder", nargs="?", default=DEFAULT_FOLDER, help="Where secrets and settings are kept (%(default)s)."
    )
    parser.add_argument("--issuer", help="The origin that clients see, such as https://bank.example.")
    parser.add_argument("--role", default="bank_app", help="The database role of the site (%(default)s).")
    parser.add_argument("--admin", metavar="EMAIL", help="The first admin. The last lines have a link for a password.")
    parser.add_argument(
        "--ask-password", action="store_true", help="Ask for the admin's password here instead of making a link."
    )
    parser.add_argument("--client", metavar="NAME", help="Name of the first client, as users see it.")
    parser.add_argument("--kind", choices=KINDS, default="web", help="What the client is (%(default)s).")
    parser.add_argument(
        "--redirect-uri",
        action="append",
        default=[],
        metavar="URI",
        help="Redirect URI of the client; may be given several times.",
    )
    parser.add_argument(
        "--scope", nargs="+", default=[], metavar="SCOPE", help="Scopes that the client may request; openid profile "
        "email by default, and none for a service.",
    )  # fmt: skip
