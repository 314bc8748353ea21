"""Why the bank refuses to open, share or close an account."""

from django.utils.translation import gettext_noop as _

from banking.ledger.refusals import NotAllowed, Refusal, WrongState


class NotClosable(WrongState):
    code = "account_not_closable"
    title = _("Only an open account can be closed, and only if it has no money and no pending payment.")


class OtherAccountNeeded(WrongState):
    code = "other_account_needed"
    title = _("Choose another of your accounts in this currency. It receives the interest, or pays what is owed.")


class NoSuchAccess(WrongState):
    code = "no_such_access"
    title = _("This user has no access that can be ended here.")


class NotDormant(WrongState):
    code = "account_not_dormant"
    title = _("The account is already in use, or you are not one of its holders.")


class AlreadyApplied(WrongState):
    code = "already_applied"
    title = _("You have already asked for this account. We are looking at your application.")


class AlreadyAsked(WrongState):
    code = "question_open"
    title = _("You have already asked about this transaction. We are looking at your question.")


class AlreadyInvited(WrongState):
    code = "already_invited"
    title = _("This email address has already been invited or already has access.")


class MayNotInvite(NotAllowed):
    code = "may_not_invite"
    title = _("You may not share this account in this way.")


class InvitationOver(WrongState):
    code = "invitation_over"
    title = _("The invitation has ended. Ask for a new one.")


class TooMany(Refusal):
    code = "too_many_requests"
    title = _("You have asked too often today. Try again tomorrow.")
    is_final = False


class ApplicationOver(WrongState):
    code = "application_over"
    title = _("The application has already been decided or withdrawn.")
