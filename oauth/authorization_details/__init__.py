"""Rich authorization requests (RFC 9396): `authorization_details`, by types that other apps register.

    OAUTH["AUTHORIZATION_DETAILS_TYPES"] = {"transfer": "banking.consents.transfer.TransferDetails"}

names a subclass of `DetailsType`. This app does not know what the details of a type mean. It validates them against
the type's JSON Schema, asks the user what the type wants to ask, and puts the granted details into every token.

`scope_details` limits scopes that a client requests without details.
`request` parses the parameter, `questions` and `answers` serve the consent page, `narrowing` serves the token endpoint.
Imports only `infrastructure` and `errors`.
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
    granted_again,
    in_words,
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
    "granted",
    "granted_again",
    "in_words",
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
