"""Import from django-oauth-toolkit (DOT) 3.4: `manage.py import_from_dot`, docs/migrating_from_dot.md.

`source` reads DOT's tables in another database or schema, `mapping` maps its scopes, `client_plan` and `token_plan`
decide how each row is imported, and `writing` stores the result in batches, so that an import can stop at any time. The
import gives no client or token more access than it had, and nothing that this server's rules forbid. It reads only the
checksums of tokens. Imports `authorize`, `clients`, `models` and what these import.
"""

from oauth.dot_import import mapping
from oauth.dot_import.errors import ImportRefused
from oauth.dot_import.mapping import Mapping
from oauth.dot_import.options import Options
from oauth.dot_import.report import Report
from oauth.dot_import.running import run
from oauth.dot_import.source import Source
from oauth.dot_import.tables import Names
from oauth.dot_import.undo import undo

__all__ = ["ImportRefused", "Mapping", "Names", "Options", "Report", "Source", "mapping", "run", "undo"]
