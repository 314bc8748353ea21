"""The content of the page of each problem type: cause, fix and an example. A test checks that every code has a page.

The texts are for integrators and stay English, as the problem documents do.
"""

from banking.api.explanations import exchanges, money, orders, requests, service, tokens
from banking.api.explanations.explanation import Explanation, example_of, shown

EXPLANATIONS: dict[str, Explanation] = {
    **requests.EXPLANATIONS,
    **tokens.EXPLANATIONS,
    **money.EXPLANATIONS,
    **exchanges.EXPLANATIONS,
    **orders.EXPLANATIONS,
    **service.EXPLANATIONS,
}

__all__ = ["EXPLANATIONS", "Explanation", "example_of", "shown"]
