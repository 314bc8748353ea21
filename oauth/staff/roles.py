"""Roles for staff: groups that `migrate` creates.

An existing group is not changed, because admins may have edited it. OAUTH["ADMIN_ROLES"] adds permissions of the site's
own apps.
"""

from django.apps import apps
from django.contrib.auth.management import create_permissions

from oauth.conf import conf

_CLIENT = ("oauth.view_client", "oauth.add_client", "oauth.change_client", "oauth.delete_client", "oauth.test_client")

#: Role -> the least permissions for its work.
ROLES: dict[str, tuple[str, ...]] = {
    # Registers clients and issues their secrets. Has no access to users or the audit log.
    "Client manager": (
        *_CLIENT, "oauth.view_scope", "oauth.view_initialaccesstoken", "oauth.delete_initialaccesstoken",
        "oauth.view_conformance_report",
    ),
    # Looks up error IDs, and views and revokes authorizations.
    "Support": (
        "oauth.view_client", "oauth.view_authorization", "oauth.change_authorization", "oauth.view_auditevent",
        "oauth.view_refusalcount", "oauth.view_refusedrequest",
    ),
    # Views everything but changes nothing.
    "Auditor": (
        "oauth.view_client", "oauth.view_scope", "oauth.view_authorization", "oauth.view_auditevent",
        "oauth.view_refusalcount", "oauth.view_refusedrequest", "oauth.export_auditevent", "oauth.view_signingkey",
        "oauth.view_initialaccesstoken",
        "oauth.view_conformance_report",
    ),
    # Rotates signing keys and replaces them in an emergency.
    "Key officer": ("oauth.view_signingkey", "oauth.rotate_signingkey"),
}  # fmt: skip


def create_missing_groups() -> None:
    """Runs after `migrate`. Also creates the permissions of apps whose own receiver runs later."""
    if not apps.is_installed("django.contrib.auth"):
        return
    from django.contrib.auth.models import Group, Permission

    names = {*ROLES, *conf.ADMIN_ROLES} - set(Group.objects.values_list("name", flat=True))
    wanted = {name: {*ROLES.get(name, ()), *conf.ADMIN_ROLES.get(name, ())} for name in names}
    for label in {one.partition(".")[0] for permissions in wanted.values() for one in permissions}:
        create_permissions(apps.get_app_config(label), verbosity=0)
    known = {
        f"{one.content_type.app_label}.{one.codename}": one for one in Permission.objects.select_related("content_type")
    }
    for name, permissions in sorted(wanted.items()):
        group = Group.objects.create(name=name)
        group.permissions.set(known[one] for one in permissions)
