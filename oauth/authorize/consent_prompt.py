"""The content of the consent page, as data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from oauth import authorization_details
from oauth.authorization_details import Question
from oauth.authorize import consent, permissions, picker
from oauth.authorize.interaction import Interaction
from oauth.authorize.permissions import Permission
from oauth.authorize.picker import Part


@dataclass(frozen=True, slots=True)
class ConsentPrompt:
    """`groups` are the scopes, `parts` the questions about authorization details. `problem` says what to change in the
    submitted form. Everything that is enforced is shown, including the end date (ASVS 5.0 10.7.2).
    """

    groups: Sequence[tuple[str, Sequence[Permission]]]
    may_change: bool
    parts: Sequence[Part]
    grant_management_action: str
    expires_at: datetime
    #: The form field that says what the page shows.
    shown: str
    #: The question, if the whole page is about a single action such as a payment.
    act: Question | None = None
    problem: str = ""


def consent_prompt(interaction: Interaction, *, problem: str = "") -> ConsentPrompt:
    """The prompt with the ticks of the submitted form, or with the defaults of `permissions` and of the types of
    details.
    """
    request, form = interaction.request, interaction.form
    details = authorization_details.completed(request.authorization_details, request.scopes)
    groups = permissions.groups(request.consented_scopes, interaction.client, request.authorization_details, given=form)
    questions = authorization_details.questions(details, interaction.user)
    return ConsentPrompt(
        groups=groups,
        may_change=permissions.may_change(groups, details),
        parts=picker.parts(questions, form),
        act=questions[0] if not groups and len(questions) == 1 and questions[0].is_once else None,
        grant_management_action=request.grant_management_action,
        expires_at=consent.expires_at(interaction.client, details),
        shown=permissions.shown(groups, interaction.client),
        problem=problem,
    )
