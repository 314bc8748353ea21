from django.urls import include, path

from tests.plain_project import urls

urlpatterns = [path("o/", include("oauth.endpoints.dot_addresses")), *urls.urlpatterns]
