"""Extract what people read, compile it, and name what is not translated: `make messages`.

The admin and what only it shows stay English, as does what programs are told: neither is extracted.
"""

import os
import subprocess
import sys
from pathlib import Path

from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
IGNORED = (
    "*/admin/*",
    "admin.py",
    "demo/*",
    "tests/*",
    "bench/*",
    "docs/*",
    "config/admin_panels.py",
    "oauth/registration/*",
    "oauth/templates/oauth/build.html",
)


def main() -> int:
    manage = [sys.executable, "manage.py"]
    environment = {**os.environ, "MODE": "demo", "DATA_DIR": ".cache/messages"}
    languages = ["--locale", "de", "--locale", "zh_Hans"]
    ignored = [f"--ignore={pattern}" for pattern in IGNORED]
    extract = ["makemessages", *languages, "--add-location=file", "--no-wrap", "--no-obsolete", *ignored]
    subprocess.run([*manage, *extract], cwd=ROOT, env=environment, check=True)
    for po in catalogs():
        # When it was extracted says nothing, and would make a change of every run.
        lines = po.read_text().splitlines(keepends=True)
        po.write_text("".join(line for line in lines if not line.startswith('"POT-Creation-Date')))
        subprocess.run(["msgfmt", "--check-format", "-o", po.with_suffix(".mo"), po], check=True)
    missing = [f"{po.relative_to(ROOT)}: {message}" for po in catalogs() for message in untranslated(po)]
    print("\n".join(missing) or "Everything is translated.")
    return 1 if missing else 0


def catalogs() -> list[Path]:
    found = [*ROOT.glob("locale/*/LC_MESSAGES/*.po"), *ROOT.glob("*/locale/*/LC_MESSAGES/*.po")]
    return sorted(found)


def untranslated(po: Path) -> list[str]:
    with po.open("rb") as file:
        messages = [message for message in read_po(file) if message.id]
    return [
        str(message.id)
        for message in messages
        if message.fuzzy or not all(message.string if isinstance(message.string, tuple) else (message.string,))
    ]


if __name__ == "__main__":
    sys.exit(main())
