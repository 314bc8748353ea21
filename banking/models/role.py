"""The roles of a user for an account."""

from django.db import models


class Role(models.TextChoices):
    """The owner's row is written by the database, together with the account.

    The owner pays, invites everybody, ends every access and closes the account. A joint holder pays, and invites
    delegates and readers. A delegate pays. A reader looks.
    """

    OWNER = "owner", "Owner"
    HOLDER = "holder", "Joint holder"
    DELEGATE = "delegate", "May pay"
    READER = "reader", "May look, not pay"


#: The roles that may pay from an account.
PAYING = (Role.OWNER, Role.HOLDER, Role.DELEGATE)
#: The roles whose users own the money. A payment between two accounts that a user holds is not a payment to others.
HOLDING = (Role.OWNER, Role.HOLDER)
#: The roles that each role may give by invitation, and whose access it may end.
MAY_INVITE = {
    Role.OWNER: (Role.HOLDER, Role.DELEGATE, Role.READER),
    Role.HOLDER: (Role.DELEGATE, Role.READER),
}
