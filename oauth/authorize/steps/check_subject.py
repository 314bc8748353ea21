"""Checks that the logged-in user is the user whom the client named."""

from oauth.authorize.interaction import Interaction, start
from oauth.authorize.outcome import Ended, OfferOtherAccount
from oauth.authorize.steps.refuse import refuse
from oauth.conf import conf
from oauth.errors import LoginRequired
from oauth.tokens import subject


def check_subject(interaction: Interaction) -> OfferOtherAccount | Ended | None:
    """OpenID Connect Core §3.1.2.1 (id_token_hint), §5.5.1 (the claim sub): another user must not answer."""
    wanted = interaction.request.subject
    if (
        not wanted
        or subject.identifier(interaction.client, interaction.user.pk, pairwise_key=conf.PAIRWISE_SUBJECT_KEY) == wanted
    ):
        return None
    if interaction.request.is_silent:
        return refuse(interaction, LoginRequired("The logged-in user is not the user that the client named."))
    return OfferOtherAccount(start(interaction))
