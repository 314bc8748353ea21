"""Rules that a schema cannot express, for the tests that are generated from the OpenAPI document."""

from datetime import date, timedelta
from typing import Any

import schemathesis
from hypothesis import strategies as st
from hypothesis.strategies._internal import regex
from hypothesis.strategies._internal.lazy import unwrap_strategies

_strategy_of = regex.base_regex_strategy
_known: dict[Any, st.SearchStrategy[Any]] = {}


def _strategy_once(pattern: Any, *, parsed: Any = None, alphabet: Any) -> st.SearchStrategy[Any]:
    """Caches strategies, which saves two minutes: Hypothesis expands a class such as [a-z] into its characters. Our
    class for text on pages has 50,000 characters, which takes a second, and Schemathesis needs the same pattern
    hundreds of times.
    """
    key = pattern, alphabet and unwrap_strategies(alphabet).intervals.intervals
    if key not in _known:
        _known[key] = _strategy_of(pattern, parsed=parsed, alphabet=alphabet)
    return _known[key]


regex.base_regex_strategy = _strategy_once

TODAY = date.today()  # noqa: DTZ011 (the server's day; both are UTC here)

schemathesis.openapi.format("iban", st.sampled_from(["DE89370400440532013000", "FR7630006000011234567890189"]))
schemathesis.openapi.format(
    "https-url", st.from_regex(r"https://[a-z]{1,9}\.example/[a-z0-9/?=&]{0,20}", fullmatch=True)
)


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Removes or restricts fields whose rules the schema cannot express. A cursor is signed, so it cannot be generated.
    The minimum amount must not exceed the maximum, and `after_seq` does not apply to pending transactions. Orders must
    be for future days, must not end before they begin, and have the interval 1 with the frequency once. A generated
    text that matches the pattern of an IBAN or URL is rarely valid. tests/banking tests all of these rules.
    """
    for path in raw_schema["paths"].values():
        for operation in path.values():
            names = {one["name"] for one in operation.get("parameters", [])}
            left_out = {"cursor", "max_amount", *(["status"] if "after_seq" in names else [])}
            operation["parameters"] = [one for one in operation.get("parameters", []) if one["name"] not in left_out]
    schemas = raw_schema["components"]["schemas"]
    for account in (schemas["NewPayee"], schemas["IBANDestination"]):
        del account["properties"]["identifier"]["pattern"]
    del schemas["NewWebhook"]["properties"]["url"]["pattern"]
    order = schemas["NewScheduledTransfer"]["properties"]
    order["first_on"] = {"enum": [str(TODAY + timedelta(days=days)) for days in (0, 1, 31, 700)]}
    del order["last_on"], order["interval"]


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """JSON Schema accepts 100.0 as an integer, but the API accepts money amounts only without a fraction."""
    amount = body.get("amount") if isinstance(body, dict) else None
    if isinstance(amount, dict) and isinstance(minor := amount.get("minor_units"), float) and minor.is_integer():
        amount["minor_units"] = int(minor)
    return body
