"""The default of OAUTH["AUTHENTICATION_CONTEXT"], for a site with Django's own login."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth import login
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory
from django.utils import timezone

from oauth.sessions.authentication_context import from_last_login

pytestmark = pytest.mark.django_db


def logged_in(user):
    request = RequestFactory().get("/")
    request.session = SessionStore()
    request.user = user
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return request


def test_the_time_of_a_login_is_that_of_this_browser(alice):
    """OpenID Connect Core §3.1.2.1: `max_age` is about the user at this browser."""
    first = logged_in(alice)
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        second = logged_in(alice)
        first.user.refresh_from_db()
        ages = [timezone.now() - from_last_login(one).auth_time for one in (first, second)]
    assert timedelta(minutes=59) < ages[0] < timedelta(minutes=61)
    assert ages[1] < timedelta(minutes=1)
