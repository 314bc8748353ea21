"""All URLs of the site except the probes (/health/live, /health/ready, /metrics), see config.server.health."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from config.bank.lockdown_pages import client_page, user_page
from config.workplace.user_page import user_tab

urlpatterns = [
    path("", include("oauth.urls")),  # first, because most requests are to these URLs
    path("", include("banking.urls")),
    path("", include("accounts.urls")),
    path("admin/lock-down/user/<uuid:user_id>/", admin.site.admin_view(user_page), name="lock-down-user"),
    path("admin/lock-down/client/<int:client_pk>/", admin.site.admin_view(client_page), name="lock-down-client"),
    path("admin/user/<uuid:user_id>/<slug:name>/", admin.site.admin_view(user_tab), name="user-tab"),
    path("admin/", admin.site.urls),
    # Browsers request this icon for answers that name none, such as JSON. Lazy, because the name of the file is known
    # only after collectstatic.
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("logo.svg")), name="favicon"),
]

handler400 = "config.http.errors.bad_request"
handler403 = "config.http.errors.permission_denied"
handler404 = "config.http.errors.not_found"
handler500 = "config.http.errors.server_error"
