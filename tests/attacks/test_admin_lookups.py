"""The admin reveals nothing about fields that it does not show: otherwise, a filter in the query string would be an
oracle.
"""

import functools
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialApp
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db.models import Field, Model
from django.db.models.constants import LOOKUP_SEP
from django.template import Template
from django.test import RequestFactory

from accounts.models import User
from oauth.staff import lookups
from tests.lib.staff import EVERY_ROLE, browser_of, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_traces", "logins_kept", "bare_admin")]
LOOKUPS = ("", "__exact", "__startswith", "__contains", "__regex", "__gt", "__isnull")
# A user reaches most tables in one step, and an admin list reaches a user in one or two.
DEEPEST = 3
# Columns that show something else than the field of their name.
CELLS = {
    "oauth.AuditEvent": {
        "time": ("at",), "what": ("action", "error"), "who": ("user", "actor"), "app": ("client",),
        "why": ("reason", "error_id"), "where": ("endpoint", "address"),
    },
}  # fmt: skip


def fields_within(model: type[Model], steps: int, before: str = "") -> Iterator[str]:
    """Every path from a model to a stored field, over relations in both directions."""
    for field in model._meta.get_fields():
        name = field.name
        if isinstance(field, Field) and field.concrete:
            yield before + name
            # A lookup of a key in a JSON object has the same form as a lookup of a field over a relation.
            if field.get_internal_type() == "JSONField":
                yield before + name + "__secret"
        if field.is_relation and field.related_model and steps > 1:
            yield from fields_within(field.related_model, steps - 1, before + name + LOOKUP_SEP)


def is_shown(model_admin: Any, path: str) -> bool:
    """Whether the list shows the field itself, or filters by it."""
    filters = [item[0] if isinstance(item, tuple) else item for item in model_admin.list_filter]
    cells = CELLS.get(model_admin.model._meta.label, {})
    columns = {name for column in model_admin.list_display for name in cells.get(column, (column,))}
    return path in {*columns, *filters} or path == model_admin.model._meta.pk.name


def request_of(user: User) -> Any:
    request = RequestFactory().get("/admin/")
    request.user = user
    return request


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_no_list_takes_a_lookup_of_a_field_that_it_does_not_show(role, monkeypatch):
    """Tries every list, every field that a path of relations leads to, every kind of lookup and every role."""
    # The lookups that a list allows are computed once, because they are the same for each of the hundred thousand
    # lookups.
    monkeypatch.setattr(lookups, "allowed", functools.cache(lookups.allowed))
    request = request_of(staff(role))
    asked = 0
    for model, model_admin in admin.site._registry.items():
        for path in fields_within(model, DEEPEST):
            if is_shown(model_admin, path) or is_shown(model_admin, path.rpartition(LOOKUP_SEP)[0]):
                continue
            for lookup in LOOKUPS:
                asked += 1
                assert not model_admin.lookup_allowed(path + lookup, "x", request), (model, path + lookup)
    assert asked > 10_000


@pytest.mark.parametrize(
    "role", [one if one == "Support" else pytest.param(one, marks=pytest.mark.exhaustive) for one in EVERY_ROLE]
)
def test_a_right_guess_is_answered_as_a_wrong_one(role, alice, monkeypatch):
    """This test runs over HTTP. Both are refused with the same page, which does not depend on the guess."""
    monkeypatch.setattr(Template, "_render", lambda template, context: "")
    Authenticator.objects.create(user=alice, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    browser = browser_of(staff(role))
    for model, model_admin in admin.site._registry.items():
        url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        if browser.get(url).status_code == 403:
            continue
        for path in (*fields_within(model, 1), *of_second_factors(model)):
            if is_shown(model_admin, path) or is_shown(model_admin, path.rpartition(LOOKUP_SEP)[0]):
                continue
            for lookup, right, wrong in (
                ("__startswith", "JBSWY3", "XXXXXX"),
                ("__isnull", "0", "1"),
            ):
                answers = {browser.get(url, {path + lookup: guess}).status_code for guess in (right, wrong)}
                assert answers == {400}, (url, path + lookup, answers)


def of_second_factors(model: type[Model]) -> Iterator[str]:
    for field in model._meta.get_fields():
        if field.is_relation and field.related_model is User:
            yield f"{field.name}__authenticator__data__secret"
            yield f"{field.name}__password"
    if model is User:
        yield "authenticator__data__secret"


def test_what_a_list_offers_is_still_answered(alice):
    """Follows the links of each filter on the page."""
    from bs4 import BeautifulSoup

    browser, followed = browser_of(staff("superuser")), 0
    for model in admin.site._registry:
        url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        page = BeautifulSoup(browser.get(url).content, "html.parser")
        for link in page.select("#changelist-filter a[href^='?']"):
            assert browser.get(url + link["href"]).status_code == 200, (url, link["href"])
            followed += 1
    assert followed > 40


def test_a_search_reads_only_what_is_shown():
    """`?q=` searches the search_fields. Each of these fields is shown in the list, on the page of the row, or on the
    page of its user.
    """
    request = request_of(staff("superuser"))
    for model, model_admin in admin.site._registry.items():
        shown = {*model_admin.list_display, "email", "name", "id", "pk"}
        for field in flattened(model_admin.get_fieldsets(request)):
            shown.add(field)
        for path in model_admin.get_search_fields(request):
            names = [name for name in path.split(LOOKUP_SEP) if name not in ("exact", "iexact", "istartswith")]
            assert set(names) <= shown, (model, path)


def flattened(fieldsets: Any) -> Iterator[str]:
    for _title, options in fieldsets:
        yield from options["fields"]


def test_an_order_or_another_key_tells_nothing(alice):
    """`?o=` sorts only by columns of the list, and `_to_field` finds rows only by a field that is shown."""
    request = request_of(staff("superuser"))
    for model, model_admin in admin.site._registry.items():
        for column in model_admin.list_display:
            order = getattr(getattr(model_admin, str(column), None), "admin_order_field", None)
            assert order is None or is_shown(model_admin, str(order).lstrip("-")), (model, column)
        for field in model._meta.concrete_fields:
            if model_admin.to_field_allowed(request, field.name):
                assert is_shown(model_admin, field.name), (model, field)


def test_a_list_that_is_registered_tomorrow_is_guarded_too():
    """The admin site guards all lists, so that no third party's ModelAdmin can be forgotten."""

    class Loose(admin.ModelAdmin):
        def lookup_allowed(self, *args: Any) -> bool:
            return True

    admin.site.unregister(Authenticator)
    try:
        admin.site.register(Authenticator, Loose)
        assert not admin.site._registry[Authenticator].lookup_allowed("data__secret__startswith", "J", None)
    finally:
        admin.site.unregister(Authenticator)
        from accounts.admin import AuthenticatorAdmin

        admin.site.register(Authenticator, AuthenticatorAdmin)


def test_who_may_only_look_at_a_provider_does_not_see_its_secret(alice):
    app = SocialApp.objects.create(provider="oidc", name="IdP", client_id="us", secret="top-secret-of-ours")
    person = User.objects.create_user("viewer@example.test", "correct-horse-battery", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_socialapp"))
    page = browser_of(person).get(f"/admin/socialaccount/socialapp/{app.pk}/change/")
    assert page.status_code == 200
    assert b"top-secret-of-ours" not in page.content
