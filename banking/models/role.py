"""The roles of a user for an account."""

from django.db import models


class Role(models.TextChoices):
    """A trigger writes the owner's row when the account is created. The owner can pay, invite in every other role, end
    every other access, and close the account. A joint holder can pay, and invite delegates and readers. A delegate can
    pay. A reader can only view.
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
