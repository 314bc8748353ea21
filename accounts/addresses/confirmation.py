"""Sends the email that confirms an address again."""

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.email_verification import send_verification_email_to_address
from allauth.account.models import EmailAddress
from django.http import HttpRequest

from accounts.addresses.ownership import owner_of


def send_confirmation_again(request: HttpRequest, email: str) -> None:
    """If the address is already verified or is a user's main email, the email says that the account exists; the page
    does not (ASVS 5.0 6.3.8).
    """
    owner = owner_of(email)
    address = EmailAddress.objects.filter(user=owner, email=email).first() if owner else None
    if address is not None and not address.verified:
        send_verification_email_to_address(request, address, signup=True)
    elif owner is not None:
        get_adapter(request).send_account_already_exists_mail(email)
