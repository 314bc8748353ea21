"""The rules, one file per standard; importing a file registers its rules in the order they stand in.

`site_facts` and `client_facts` contain the facts that several standards need, so that each is determined in one place.
"""

from oauth.conformance_report.registry import CLIENT_RULES, SITE_RULES
from oauth.conformance_report.rules import asvs, fapi, message_signing, oauth21, rfc_9700

__all__ = ["CLIENT_RULES", "SITE_RULES", "asvs", "fapi", "message_signing", "oauth21", "rfc_9700"]
