"""Background jobs in the admin: looked at, and by users who have the permission retried or cancelled."""

import procrastinate.contrib.django.admin  # noqa: F401  (registers what is replaced below)
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from procrastinate.contrib.django.admin import ProcrastinateJobAdmin
from procrastinate.contrib.django.models import ProcrastinateJob

admin.site.unregister(ProcrastinateJob)

_MAY_MANAGE = "procrastinate.change_procrastinatejob"


@admin.register(ProcrastinateJob)
class JobAdmin(ProcrastinateJobAdmin):
    """Procrastinate offers its actions to everybody who may look. A job is a settlement, a mail about security or a
    word to a client, so stopping one needs a permission; what was done is in the audit log."""

    actions = ["retry", "cancel", "abort"]
    # Every argument of a job can be listed, so none is filtered by: locks name accounts.
    list_filter = ["status", "queue_name", "task_name"]
    show_full_result_count = False

    @admin.action(description="Retry the selected jobs", permissions=["manage"])
    def retry(self, request: HttpRequest, queryset: QuerySet[ProcrastinateJob]) -> None:
        super().retry(request, queryset)

    @admin.action(description="Cancel the selected jobs that wait", permissions=["manage"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[ProcrastinateJob]) -> None:
        super().cancel(request, queryset)

    @admin.action(description="Abort the selected jobs, also those at work", permissions=["manage"])
    def abort(self, request: HttpRequest, queryset: QuerySet[ProcrastinateJob]) -> None:
        super().abort(request, queryset)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(_MAY_MANAGE)
