"""The project's own tests, for `manage.py test`. After each of them, Django empties every table."""

from django.test import TransactionTestCase

from oauth.models import AuditEvent, Scope


class Events(TransactionTestCase):
    def test_one(self):
        self._begins_without_events()

    def test_two(self):
        self._begins_without_events()

    def _begins_without_events(self):
        assert not AuditEvent.objects.exists()
        assert Scope.objects.filter(name="orders:read").exists()
        assert self.client.get("/oauth/jwks").status_code == 200
        AuditEvent.record(AuditEvent.Action.LOGGED_IN, user="1")
