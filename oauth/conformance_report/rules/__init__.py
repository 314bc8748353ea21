"""The rules, one file per standard. Importing a file registers its rules in their order in the file.

`site_facts` and `client_facts` have the facts that rules of several standards use.
"""

from oauth.conformance_report.registry import CLIENT_RULES, SITE_RULES
from oauth.conformance_report.rules import asvs, fapi, message_signing, oauth21, rfc_9700

__all__ = ["CLIENT_RULES", "SITE_RULES", "asvs", "fapi", "message_signing", "oauth21", "rfc_9700"]
