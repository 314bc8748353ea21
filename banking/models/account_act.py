"""Every change of an account's state, overdraft or access, recorded by a database trigger."""

from django.db import models


class AccountAct(models.Model):
    """Has either `status`, `overdraft_minor` and `dormant_since` of the account, or `user_id` and `role` of an access;
    an empty role means that the access ended. `officer_id` is set if an officer made the change, and `by_user_id` if a
    user of the bank did. Both are None if the owner of the tables made it. `change_id` is the AccountChange that two
    officers decided. `database_user` is the role of the connection.

    Append-only. The audit compares the current state with the last row here."""

    account_id = models.UUIDField()
    status = models.CharField(max_length=6, blank=True)
    overdraft_minor = models.BigIntegerField(null=True)
    dormant_since = models.DateTimeField(null=True)
    user_id = models.UUIDField(null=True)
    role = models.CharField(max_length=8, blank=True)
    officer_id = models.UUIDField(null=True)
    by_user_id = models.UUIDField(null=True)
    change_id = models.UUIDField(null=True)
    reason = models.CharField(max_length=140, blank=True)
    database_user = models.CharField(max_length=63)
    at = models.DateTimeField()

    class Meta:
        db_table = "account_act"
        default_permissions = ()
        indexes = [models.Index(fields=["account_id", "-id"], name="act_of_account")]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.status or self.role}"
