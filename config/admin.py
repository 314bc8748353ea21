"""Background jobs in the admin. Retrying and cancelling needs its own permission."""

import procrastinate.contrib.django.admin  # noqa: F401  (registers the admin class that is replaced below)
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from procrastinate.contrib.django.admin import ProcrastinateJobAdmin
from procrastinate.contrib.django.models import ProcrastinateJob

admin.site.unregister(ProcrastinateJob)

_MAY_MANAGE = "procrastinate.change_procrastinatejob"


@admin.register(ProcrastinateJob)
class JobAdmin(ProcrastinateJobAdmin):
    """Procrastinate's own admin lets every user who may view jobs stop them. A job may settle a payment or send a
    notice, so here an action needs its own permission and is audited.
    """

    actions = ["retry", "cancel", "abort"]
    # No filter by lock: locks contain account ids, and a filter would list all of them.
    list_filter = ["status", "queue_name", "task_name"]
    show_full_result_count = False

    @admin.action(description="Retry the selected jobs", permissions=["manage"])
    def retry(self, request: HttpRequest, queryset: QuerySet[ProcrastinateJob]) -> None:
        super().retry(request, queryset)

    @admin.action(description="Cancel the selected waiting jobs", permissions=["manage"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[ProcrastinateJob]) -> None:
        super().cancel(request, queryset)

    @admin.action(description="Abort the selected jobs, running ones included", permissions=["manage"])
    def abort(self, request: HttpRequest, queryset: QuerySet[ProcrastinateJob]) -> None:
        super().abort(request, queryset)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(_MAY_MANAGE)
