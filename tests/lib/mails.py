"""The emails that a server under test wrote to files."""

import re
from email import message_from_string, policy

from tests.lib.servers import Server


def mails(live: Server, to: str) -> list[str]:
    texts = [file.read_text() for file in sorted((live.data_dir / "mail").glob("*.log"))]
    # Only completely written emails, which end with this line.
    written = [part for text in texts for part in re.split(r"^-{79}\n", text, flags=re.MULTILINE)[:-1]]
    parts = [part for part in written if f"To: {to}" in part]
    return [message_from_string(part, policy=policy.default).get_body(("plain",)).get_content() for part in parts]
