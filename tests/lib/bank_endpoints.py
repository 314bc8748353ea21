"""Every endpoint of the bank API and what it requires."""

from banking.api.urls import urlpatterns

#: (method, URL name) -> the scope; the object that the URL names, if any; the answer to a user who may only view the
#: account.
ENDPOINTS = {
    ("get", "accounts"): ("accounts:read", None, 200),
    ("get", "account"): ("accounts:read", "account", 200),
    ("get", "balances"): ("balances:read", "account", 200),
    ("get", "transactions"): ("transactions:read", "account", 200),
    ("get", "transaction-feed"): ("transactions:read", None, 200),
    ("get", "party"): ("party:read", None, 200),
    ("get", "transaction"): ("transactions:read", "account", 200),
    ("get", "statements"): ("statements:read", "account", 200),
    ("get", "statement"): ("statements:read", "account", 404),
    ("get", "consent"): (None, None, 200),
    ("delete", "consent"): (None, None, 204),
    ("post", "exchange-quotes"): ("transfers:write", "body", 404),
    ("get", "exchange-quote"): ("transfers:read", "person", 404),
    ("get", "exchanges"): ("transfers:read", None, 200),
    ("post", "exchanges"): ("transfers:write", "person", 404),
    ("get", "exchange"): ("transfers:read", "account", 200),
    ("post", "funds-confirmations"): ("funds:confirm", "body", 404),
    ("get", "direct-debits"): ("direct-debits:read", None, 200),
    ("get", "direct-debit"): ("direct-debits:read", "account", 200),
    ("get", "collections"): ("direct-debits:read", "account", 200),
    ("post", "collection-refund"): ("direct-debits:write", "account", 404),
    ("post", "direct-debit-cancel"): ("direct-debits:write", "account", 404),
    ("get", "limits"): ("transfers:read", None, 200),
    ("get", "payees"): ("payees:read", None, 200),
    ("post", "payees"): ("payees:write", None, 201),
    ("get", "payee"): ("payees:read", "person", 404),
    ("delete", "payee"): ("payees:write", "person", 404),
    ("post", "payee-checks"): ("transfers:write", None, 200),
    ("get", "transfers"): ("transfers:read", None, 200),
    ("post", "transfers"): ("transfers:write", "body", 404),
    ("post", "transfer-rehearsals"): ("transfers:write", "body", 404),
    ("get", "transfer"): ("transfers:read", "account", 200),
    ("post", "transfer-cancel"): ("transfers:write", "account", 404),
    ("get", "scheduled-transfers"): ("transfers:read", None, 200),
    ("post", "scheduled-transfers"): ("transfers:write", "body", 404),
    ("get", "scheduled-transfer"): ("transfers:read", "account", 200),
    ("patch", "scheduled-transfer"): ("transfers:write", "account", 404),
    ("post", "scheduled-transfer-cancel"): ("transfers:write", "account", 404),
    ("post", "scheduled-transfer-pause"): ("transfers:write", "account", 404),
    ("post", "scheduled-transfer-resume"): ("transfers:write", "account", 404),
    ("get", "webhooks"): ("webhooks:manage", None, 200),
    ("post", "webhooks"): ("webhooks:manage", None, 403),
    ("get", "webhook"): ("webhooks:manage", "client", 404),
    ("delete", "webhook"): ("webhooks:manage", "client", 404),
    ("post", "webhook-ping"): ("webhooks:manage", "client", 404),
    ("get", "webhook-deliveries"): ("webhooks:manage", "client", 404),
}


def patterns():
    """URL patterns by name, without those of the API's documentation."""
    return {pattern.name: pattern for pattern in urlpatterns if str(pattern.pattern).startswith("api/v1/")}
