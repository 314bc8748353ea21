"""The imported clients, with the facts needed to import their tokens."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from oauth.authorize import remembered
from oauth.conf import conf
from oauth.dot_import import client_plan
from oauth.dot_import.source import Source
from oauth.models import Client, DotImport
from oauth.models.client import GrantType


@dataclass(frozen=True, slots=True)
class ClientHere:
    """`consent_about` describes the client as users saw it; None if their consent must not be remembered."""

    pk: int
    lifetime: timedelta
    made_at: datetime
    consent_about: str | None


class ClientsHere:
    """Primary key of each application -> its imported client. A dry run assumes that all are imported."""

    def __init__(self, source: Source, made_by: DotImport | None, *, remembers_consent: bool) -> None:
        self._source, self._made_by, self._remembers = source, made_by, remembers_consent

    def of(self, applications: Iterable[int | None]) -> dict[int, ClientHere]:
        rows = self._source.applications.filter(pk__in={one for one in applications if one is not None})
        planned = {row.pk: (row, client_plan.plan(row, ())) for row in rows}
        return {
            key: ClientHere(
                pk=client.pk or 0,
                lifetime=client.authorization_lifetime or conf.AUTHORIZATION_LIFETIME,
                made_at=planned[key][0].created,
                consent_about=self._about(client) if planned[key][1].asks_users and self._remembers else None,
            )
            for key, client in self._clients(planned).items()
        }

    def _clients(self, planned: dict[int, tuple[Any, client_plan.PlannedClient]]) -> dict[int, Client]:
        if self._made_by is None:
            return {key: plan.client for key, (_, plan) in planned.items()}
        made = self._made_by.clients.filter(source_id__in=planned).select_related("client")
        return {one.source_id: one.client for one in made}

    def _about(self, client: Client) -> str | None:
        """DOT does not record to which redirect URI the response went, so consent is remembered only if all have the
        same origin. Consent to a public client is never remembered (ASVS 5.0 10.7.1).
        """
        origins = {remembered.origin_of(uri) for uri in client.redirect_uris.split()}
        if client.is_public or len(origins) != 1 or GrantType.AUTHORIZATION_CODE.value not in client.grant_types:
            return None
        return json.dumps(remembered.describe(client, origins.pop()))
