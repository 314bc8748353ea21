"""Checks that the user may allow this app: only sandbox users of its developer may allow an app that is not live."""

from oauth.authorize.interaction import Interaction, start
from oauth.authorize.outcome import Ended, OfferOtherAccount
from oauth.authorize.steps.refuse import refuse
from oauth.errors import LoginRequired
from oauth.models import SandboxUser


def check_sandbox(interaction: Interaction) -> OfferOtherAccount | Ended | None:
    """Sandbox users may allow only apps of their developer, and other users only live apps."""
    if SandboxUser.may_allow(interaction.client, interaction.user.pk):
        return None
    if interaction.request.is_silent:
        return refuse(interaction, LoginRequired("A sandbox user of the app's developer must log in."))
    return OfferOtherAccount(start(interaction), is_sandbox=True)
