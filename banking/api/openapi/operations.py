"""What each endpoint asks and answers. One row per method and URL; a test finds an endpoint without one."""

from dataclasses import dataclass, field
from typing import Any

from banking.api.cursors import MAX_CURSOR_CHARACTERS, MAX_LIMIT
from banking.api.openapi.components import MONTH, UUID, Schema, ref
from banking.api.openapi.examples import EXAMPLES, PROBLEM

#: Whoever asks may get these; others stand in the row.
_ALWAYS = {
    400: "The request is malformed.",
    401: "The token is missing, over, or too weak for this (RFC 9470).",
    403: "The token does not allow it.",
    404: "There is nothing here for this token: unknown, somebody else's, or not shared with the app.",
    405: "The method is not allowed here.",
    406: "The requested format is not available.",
    429: "Too many requests; wait for Retry-After.",
    503: "Not available at the moment; repeat the same request after Retry-After.",
}
_WITH_BODY = {413: "The body is larger than 64 KiB.", 415: "The body is not application/json."}


def _query(name: str, description: str, **schema: Any) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema}


_PAGE = (
    _query("limit", "How many at most.", type="integer", minimum=1, maximum=MAX_LIMIT, default=50),
    _query("cursor", "`next_cursor` of the page before.", type="string", maxLength=MAX_CURSOR_CHARACTERS),
)
_HISTORY = (
    _query("from", "A day or time of RFC 3339, inclusive.", type="string", format="date"),
    _query("to", "A day or time of RFC 3339, exclusive.", type="string", format="date"),
    _query("direction", "Money in, or out.", type="string", enum=["in", "out"]),
    _query(
        "status",
        "Booked by default. Pending is held for a transfer to another bank.",
        type="string",
        enum=["booked", "pending", "booked,pending"],
    ),
)
_KEY: Schema = {
    "name": "Idempotency-Key", "in": "header", "required": True,
    "description": "Random for each new order, the same for each retry. Kept for 7 days, a transfer's for ever.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{16,255}$"},
}  # fmt: skip
_IF_NONE_MATCH: Schema = {
    "name": "If-None-Match", "in": "header",
    "description": "The ETag of the answer that is at hand: 304 if it is the same.",
    "schema": {"type": "string"},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """`answers` holds status -> schema, empty for no body; `refusals` the statuses beyond those that always may be."""

    summary: str
    answers: dict[int, str]
    tag: str
    body: str = ""
    parameters: tuple[Schema, ...] = ()
    refusals: dict[int, str] = field(default_factory=dict)
    description: str = ""
    also_csv: bool = False

    @property
    def problems(self) -> dict[int, str]:
        return _ALWAYS | (_WITH_BODY if self.body else {}) | self.refusals


_CONFLICT = "It can no longer be done, or a request with this key is still running."
_REFUSED = "The bank refuses it: funds, limits, currency, payee, or the key was used for another body."

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", "accounts"): Operation("List accounts", {200: "AccountList"}, "Accounts", parameters=_PAGE),
    ("GET", "account"): Operation("Read an account", {200: "Account"}, "Accounts"),
    ("GET", "balances"): Operation("Read balances", {200: "Balances"}, "Accounts"),
    ("GET", "transactions"): Operation(
        "List transactions", {200: "TransactionList"}, "Accounts", parameters=(*_PAGE, *_HISTORY),
        description="Newest first. Older than 90 days needs a person who has just logged in (RFC 9470).",
    ),
    ("GET", "transaction"): Operation("Read a transaction", {200: "Transaction"}, "Accounts"),
    ("GET", "statements"): Operation("List statements", {200: "StatementList"}, "Accounts", parameters=_PAGE),
    ("GET", "statement"): Operation(
        "Read a statement", {200: "Statement"}, "Accounts", also_csv=True,
        description="A closed month; the same for ever. As JSON or, by Accept, as CSV.",
    ),
    ("GET", "consent"): Operation("What this token may do", {200: "Consent"}, "Consent"),
    ("DELETE", "consent"): Operation(
        "Give the access back", {204: ""}, "Consent",
        description="Its tokens stop working within seconds. Needs a token of the app itself with all its scopes: one "
        "that was exchanged (RFC 8693) or narrowed is refused with 403.",
    ),
    ("GET", "payees"): Operation("List payees", {200: "PayeeList"}, "Payees", parameters=_PAGE),
    ("POST", "payees"): Operation(
        "Store a payee", {200: "Payee", 201: "Payee"}, "Payees", body="NewPayee",
        description="Needs a user who has just logged in (RFC 9470). 200 where it is there already. Larger amounts may"
        " go to it after 24 hours.",
    ),
    ("GET", "payee"): Operation("Read a payee", {200: "Payee"}, "Payees"),
    ("DELETE", "payee"): Operation("Remove a payee", {204: ""}, "Payees"),
    ("POST", "payee-checks"): Operation(
        "Does the name fit the account?", {200: "PayeeCheck"}, "Payees", body="NewPayee"
    ),
    ("GET", "transfers"): Operation("List transfers", {200: "TransferList"}, "Transfers", parameters=_PAGE),
    ("POST", "transfers"): Operation(
        "Make a transfer", {200: "Rehearsal", 201: "Transfer"}, "Transfers", body="NewTransfer",
        parameters=(_KEY, _query("dry_run", "Only rehearse it.", type="string", enum=["true", "false"])),
        refusals={409: _CONFLICT, 422: _REFUSED},
        description="Posted immediately within the bank; pending, with a hold, to another bank. Exactly once per "
        "Idempotency-Key. Large amounts, also as the sum of 24 hours, need a user who has just logged in (RFC 9470).",
    ),
    ("GET", "transfer"): Operation("Read a transfer", {200: "Transfer"}, "Transfers"),
    ("POST", "transfer-cancel"): Operation(
        "Cancel a transfer", {200: "Transfer"}, "Transfers", body="Nothing", refusals={409: _CONFLICT},
        description="While it is pending and was not handed to the other bank.",
    ),
    ("GET", "scheduled-transfers"): Operation(
        "List scheduled transfers", {200: "ScheduledTransferList"}, "Scheduled transfers", parameters=_PAGE
    ),
    ("POST", "scheduled-transfers"): Operation(
        "Schedule a transfer", {201: "ScheduledTransfer"}, "Scheduled transfers", body="NewScheduledTransfer",
        parameters=(_KEY,), refusals={409: _CONFLICT, 422: _REFUSED},
        description="Needs a user who has just logged in (RFC 9470). Once, weekly or monthly. The money moves on the"
        " day, by the rules of that day.",
    ),
    ("GET", "scheduled-transfer"): Operation(
        "Read a scheduled transfer", {200: "ScheduledTransfer"}, "Scheduled transfers"
    ),
    ("POST", "scheduled-transfer-cancel"): Operation(
        "Cancel a scheduled transfer", {200: "ScheduledTransfer"}, "Scheduled transfers", body="Nothing",
        refusals={409: _CONFLICT},
    ),
    ("GET", "webhooks"): Operation("List webhooks", {200: "WebhookList"}, "Webhooks", parameters=_PAGE),
    ("POST", "webhooks"): Operation(
        "Add a webhook", {201: "Webhook"}, "Webhooks", body="NewWebhook", refusals={409: "There are enough."},
        description="For clients with a server. `Webhook-Signature` is a detached JWS (RFC 7515 Appendix F), its key"
        " in our JWK Set.",
    ),
    ("GET", "webhook"): Operation("Read a webhook", {200: "Webhook"}, "Webhooks"),
    ("DELETE", "webhook"): Operation("Remove a webhook", {204: ""}, "Webhooks"),
    ("POST", "webhook-ping"): Operation("Send a test", {202: ""}, "Webhooks", body="Nothing"),
    ("GET", "webhook-deliveries"): Operation(
        "What was sent", {200: "DeliveryList"}, "Webhooks", parameters=_PAGE
    ),
}  # fmt: skip


def described(method: str, name: str, scopes: list[str], path_parameters: list[str]) -> Schema:
    """The operation object of OpenAPI 3.1 (§4.8.10)."""
    operation = OPERATIONS[method, name]
    answers: Schema = {
        str(status): _answer(operation, schema, status=status) for status, schema in operation.answers.items()
    }
    if method == "GET":
        answers["304"] = {"description": "It is what the client has."}
    for status, meaning in sorted(operation.problems.items()):
        answers[str(status)] = _problem(meaning, status)
    parameters = [
        {"name": one, "in": "path", "required": True, "schema": MONTH if one == "month" else UUID}
        for one in path_parameters
    ]
    described: Schema = {
        "operationId": f"{method.lower()}_{name.replace('-', '_')}",
        "summary": operation.summary,
        "tags": [operation.tag],
        "security": [{"oauth2": scopes}],
        "parameters": [*parameters, *operation.parameters, *([_IF_NONE_MATCH] if method == "GET" else [])],
        "responses": answers,
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body:
        described["requestBody"] = {
            "required": operation.body != "Nothing",
            "content": {"application/json": _content(operation.body)},
        }
    return described


def _content(schema: str) -> Schema:
    return {"schema": ref(schema), "example": EXAMPLES[schema]}


def _answer(operation: Operation, schema: str, *, status: int) -> Schema:
    answer: Schema = {
        "description": "Done.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS},
    }
    if schema:
        answer["content"] = {"application/json": _content(schema)}
        if operation.also_csv:
            answer["content"]["text/csv"] = {"schema": {"type": "string"}}
    return answer


def _problem(meaning: str, status: int) -> Schema:
    content = {"schema": ref("Problem"), "example": PROBLEM[status]}
    problem: Schema = {"description": meaning, "content": {"application/problem+json": content}}
    if status == 401:
        problem["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
    if status in (429, 503):
        problem["headers"] = {"Retry-After": {"required": True, "schema": {"type": "string"}}}
    return problem


#: Of every answer.
HEADERS = ("X-Request-Id", "RateLimit", "RateLimit-Policy")
HEADER_COMPONENTS: dict[str, Schema] = {
    "X-Request-Id": {"schema": {"type": "string"}, "description": "Sent back, or made; it stands in our logs."},
    "RateLimit": {"schema": {"type": "string"}, "description": "What is left, and until when."},
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "How many in how many seconds."},
    "Location": {"schema": {"type": "string"}, "description": "Where it now is.", "required": True},
}
