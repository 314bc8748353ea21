"""Checks that the user is the one whom the client named."""

from oauth.authorize.interaction import Interaction, start
from oauth.authorize.outcome import OfferOtherAccount, Refuse
from oauth.authorize.steps.refuse import refuse
from oauth.errors import LoginRequired
from oauth.tokens import subject


def check_subject(interaction: Interaction) -> OfferOtherAccount | Refuse | None:
    """OpenID Connect Core §3.1.2.1 (id_token_hint) and §5.5.1 (the claim sub) name the only user who may answer."""
    wanted = interaction.request.subject
    if not wanted or subject.of(interaction.client, interaction.user.pk) == wanted:
        return None
    if interaction.request.is_silent:
        return refuse(interaction, LoginRequired("The user who is logged in is not the one that the client named."))
    return OfferOtherAccount(start(interaction))
