"""The last four digits of a payment's amount in minor units decide how the second bank treats it.

Any other amount is accepted at once. The table in docs/payment-scheme.md is for partners.
"""

from dataclasses import dataclass
from typing import Literal

#: An IBAN with this ending belongs to a closed account: a payment to it is rejected, for every amount.
CLOSED_IBAN = "0000"


@dataclass(frozen=True, slots=True)
class Message:
    """A message that the second bank sends us after a number of seconds. Two with the same `id` are a repetition of one
    message.
    """

    kind: Literal["payment", "answer", "return", "collect"]
    after_seconds: int
    reason: str = ""
    id: int = 1


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the second bank does. `reason` is the code of its refusal; empty if it accepts. It does not answer the first
    `silences` calls. With `loses_first`, it acts as if the first call had not arrived.
    """

    what: str
    reason: str = ""
    silences: int = 0
    loses_first: bool = False
    then: tuple[Message, ...] = ()


ACCEPTED = Behaviour("accepts it at once")
CLOSED = Behaviour("refuses it at once: the account is closed", reason="AC04")
NAMED = {
    "9101": Behaviour("refuses it at once: there is no such account", reason="AC01"),
    "9104": CLOSED,
    "9106": Behaviour("refuses it at once: the account is blocked", reason="AC06"),
    "9114": Behaviour("refuses it at once: it does not have enough money", reason="AM04"),
    "9201": Behaviour(
        "accepts it, and returns it after 5 seconds: the account is closed", then=(Message("return", 5, "AC04"),)
    ),
    "9202": Behaviour(
        "accepts it, and returns it after a minute: the payee asked for it", then=(Message("return", 60, "CUST"),)
    ),
    "9203": Behaviour(
        "accepts it, and refuses it after 5 seconds: the account is blocked", then=(Message("answer", 5, "AC06"),)
    ),
    "9301": Behaviour("gives no answer, and accepts it when it is asked", silences=1),
    "9302": Behaviour("gives no answer, and refuses it when it is asked", reason="AC04", silences=1),
    "9303": Behaviour("never got it, and accepts it when it is handed over again", silences=1, loses_first=True),
    "9304": Behaviour(
        "gives no answer to any question, and accepts it by a message after 10 seconds",
        silences=1000,
        then=(Message("answer", 10),),
    ),
    "9401": Behaviour(
        "accepts it, and repeats the acceptance three times",
        then=(Message("answer", 1), Message("answer", 2), Message("answer", 3, id=2)),
    ),
    "9402": Behaviour(
        "accepts it, and sends its return three times: twice under one id, and once under another",
        then=(Message("return", 5, "AC04"), Message("return", 6, "AC04"), Message("return", 7, "AC04", id=2)),
    ),
    "9403": Behaviour(
        "gives no answer; the return comes after 2 seconds, before the acceptance after 5",
        silences=1000,
        then=(Message("return", 2, "AC04"), Message("answer", 5)),
    ),
    "9501": Behaviour("accepts it, and pays you the same amount after 5 seconds", then=(Message("payment", 5),)),
    "9502": Behaviour(
        "accepts it, sets up a direct debit, and collects the same amount by it after 5 seconds",
        then=(Message("collect", 5),),
    ),
}  # fmt: skip
#: If the amount of a payment that we could not credit ends like this, the second bank refuses our return of it.
RETURN_REFUSED = "9601"
#: If the amount of a collection ends like this, the second bank refuses to refund it.
CLAIM_REFUSED = "9602"


def behaviour(amount_minor: int, creditor_iban: str) -> Behaviour:
    if creditor_iban.endswith(CLOSED_IBAN):
        return CLOSED
    return NAMED.get(f"{amount_minor:04}"[-4:], ACCEPTED)
