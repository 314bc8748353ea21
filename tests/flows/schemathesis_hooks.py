"""What a schema cannot say, for the tests that are made from the OpenAPI document."""

from datetime import date, timedelta
from typing import Any

import schemathesis
from hypothesis import strategies as st

TODAY = date.today()  # noqa: DTZ011 (the server's day; both are UTC here)

schemathesis.openapi.format("iban", st.sampled_from(["DE89370400440532013000", "FR7630006000011234567890189"]))
schemathesis.openapi.format("date", st.integers(0, 700).map(lambda days: str(TODAY + timedelta(days=days))))


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Cursors are signed: none can be made up. An order's last day depends on its first. tests/banking tries both."""
    for path in raw_schema["paths"].values():
        for operation in path.values():
            operation["parameters"] = [one for one in operation["parameters"] if one["name"] != "cursor"]
    del raw_schema["components"]["schemas"]["NewScheduledTransfer"]["properties"]["last_on"]


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """JSON Schema takes 100.0 for an integer; a money amount is written without a fraction."""
    amount = body.get("amount") if isinstance(body, dict) else None
    if isinstance(amount, dict) and isinstance(minor := amount.get("minor_units"), float) and minor.is_integer():
        amount["minor_units"] = int(minor)
    return body
