"""Rich authorization requests (RFC 9396): `authorization_details` of types that other Django apps register.

    OAUTH["AUTHORIZATION_DETAILS_TYPES"] = {"transfer": "banking.consents.transfer.TransferDetails"}

names a subclass of `DetailsType`. This package does not interpret the details of a type. It validates them against the
type's JSON Schema, shows the type's question on the consent page, and puts the granted details into tokens.
`scope_details` limits scopes that a client requests without details. `request` parses the parameter, `questions` and
`answers` are for the consent page, `narrowing` for the token endpoint. Imports only `infrastructure` and `errors`.
"""

from oauth.authorization_details.answers import granted
from oauth.authorization_details.details_type import Choice, Detail, DetailsType, NotAnswered, Question, Summary
from oauth.authorization_details.narrowing import narrowed
from oauth.authorization_details.questions import question_again, questions, summaries
from oauth.authorization_details.registry import lifetime_of, scopes_of, types
from oauth.authorization_details.request import MAX_CHARACTERS, MOST, parse
from oauth.authorization_details.scope_details import (
    Again,
    Insert,
    ScopeDetails,
    are_of_scopes,
    completed,
    explicit_details,
    granted_again,
    joined,
    limited_by,
    write,
)

__all__ = [
    "MAX_CHARACTERS",
    "MOST",
    "Again",
    "Choice",
    "Detail",
    "DetailsType",
    "Insert",
    "NotAnswered",
    "Question",
    "ScopeDetails",
    "Summary",
    "are_of_scopes",
    "completed",
    "explicit_details",
    "granted",
    "granted_again",
    "joined",
    "lifetime_of",
    "limited_by",
    "narrowed",
    "parse",
    "question_again",
    "questions",
    "scopes_of",
    "summaries",
    "types",
    "write",
]
