"""Every address of the site but the probes (/health/live, /health/ready, /metrics): see config.health.AnswerProbes."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

urlpatterns = [
    path("", include("oauth.urls")),  # first what is asked most
    path("", include("banking.urls")),
    path("", include("accounts.urls")),
    path("admin/", admin.site.urls),
    # Browsers ask for it where a page names no icon, such as JSON. Lazy: the file's name is known once it is collected.
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("logo.svg")), name="favicon"),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
