"""The steps of an import, in order. Each imports batches of DOT's rows and counts the results."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Q, QuerySet

from oauth.conf import conf
from oauth.dot_import import client_plan, token_plan, writing
from oauth.dot_import.clients_here import ClientHere, ClientsHere
from oauth.dot_import.options import Options
from oauth.dot_import.report import ClientReport, Finding
from oauth.dot_import.source import Source
from oauth.dot_import.token_plan import Adopted, Authority, OldAccessToken
from oauth.dot_import.users import Users
from oauth.models import AuditEvent, Authorization, Client, DotImport, ImportedClient


@dataclass(frozen=True)
class Context:
    """`made_by` is the record of the import; None in a dry run, which writes nothing. Lifetimes are computed from
    `began_at`.
    """

    source: Source
    options: Options
    users: Users
    began_at: datetime
    made_by: DotImport | None
    clients: list[ClientReport]

    @property
    def clients_here(self) -> ClientsHere:
        return ClientsHere(self.source, self.made_by, remembers_consent=self.options.remembers_consent)


class Step(ABC):
    name: ClassVar[str]

    def __init__(self, context: Context) -> None:
        self.context, self.counts = context, Counter[str]()

    @property
    @abstractmethod
    def rows(self) -> QuerySet[Any]:
        """The rows of DOT, in the order of their primary keys."""

    @abstractmethod
    def take(self, batch: list[Any]) -> None:
        """Counts the rows of a batch and, unless this is a dry run, writes them."""


class Applications(Step):
    name = "applications"

    @property
    def rows(self) -> QuerySet[Any]:
        return self.context.source.applications

    def take(self, batch: list[Any]) -> None:
        scopes = self._scopes({application.pk for application in batch})
        owners = self.context.users.here(application.user_id for application in batch)
        ids = [application.client_id for application in batch]
        taken = set(Client.objects.filter(client_id__in=ids).values_list("client_id", flat=True))
        for application in batch:
            planned = client_plan.plan(application, scopes.get(application.pk, ()))
            report = planned.report
            if application.client_id in taken:
                finding = Finding("A client with this client ID already exists on this site.", "Delete one of the two.")
                report = ClientReport(report.client_id, report.name, "not imported", (finding,))
            elif self.context.made_by is not None:
                planned.client.user_id = owners.get(application.user_id)
                self._write(application, planned.client, self.context.made_by)
            self.counts[f"clients: {report.state}"] += 1
            if report.findings:
                self.context.clients.append(report)

    def _scopes(self, applications: set[int]) -> dict[int, list[str]]:
        """The scopes that each client may request: the mapped scopes of all its tokens in DOT, even expired ones."""
        mapping = self.context.options.mapping
        if self.context.options.gives_all_scopes:
            everything = mapping.new_scopes(mapping.scopes)
            return dict.fromkeys(applications, everything)
        used: dict[int, set[str]] = {}
        tokens = self.context.source.access_tokens.filter(application_id__in=applications)
        for application, scope in tokens.order_by().values_list("application_id", "scope").distinct():
            used.setdefault(application, set()).update(scope.split())
        return {application: mapping.new_scopes(old) for application, old in used.items()}

    def _write(self, application: Any, client: Client, made_by: DotImport) -> None:
        client.save()
        ImportedClient.objects.create(client=client, dot_import=made_by, source_id=application.pk)
        AuditEvent.record(
            AuditEvent.Action.CLIENT_REGISTERED, client=client.client_id, reason="imported from django-oauth-toolkit"
        )


class _Tokens(Step):
    what: ClassVar[str]

    def scopes_and_resources(self, access_token: Any) -> tuple[str, str] | None:
        """The mapped scopes and resources, as space-separated text. If either is empty, counts the token as not
        imported and returns None.
        """
        mapping = self.context.options.mapping
        scopes = " ".join(mapping.new_scopes(access_token.scope.split()))
        resources = " ".join(mapping.new_resources(access_token.resource))
        if scopes and resources:
            return scopes, resources
        missing = "a scope that exists on this site" if not scopes else "an API that exists on this site"
        self.counts[f"{self.what} left out: without {missing}"] += 1
        return None

    def holders(self, batch: list[Any]) -> tuple[dict[int, ClientHere], dict[Any, Any]]:
        clients = self.context.clients_here.of(row.application_id for row in batch)
        return clients, self.context.users.here(row.user_id for row in batch)

    def leave_out(self, why: str) -> None:
        self.counts[f"{self.what} left out: {why}"] += 1


class LiveRefreshTokens(_Tokens):
    """The newest token of each family. It becomes an authorization and its refresh token."""

    name, what = "refresh tokens", "refresh tokens"

    @property
    def rows(self) -> QuerySet[Any]:
        return self.context.source.refresh_tokens.filter(revoked=None).select_related("access_token")

    def take(self, batch: list[Any]) -> None:
        clients, users = self.holders(batch)
        authorities: dict[Any, Authority] = {}
        adopted: list[Adopted] = []
        for token in batch:
            expires_at = self._expiry(token)
            if expires_at is None:
                continue
            if (client := clients.get(token.application_id)) is None:
                self.leave_out("of a client that was not imported")
            elif (user := users.get(token.user_id)) is None:
                self.leave_out("of a user who is not on this site")
            elif limits := self.scopes_and_resources(token.access_token):
                authority = self._authority(token, client, user, limits)
                authorities.setdefault(authority.id, authority)
                expires_at = min(expires_at, authority.expires_at)
                adopted.append(
                    Adopted(token_plan.checksum(token), authority.id, *limits, token.created, expires_at, None)
                )
        self.counts["refresh tokens adopted"] += len(adopted)
        self.counts["consents remembered"] += sum(one.consent_about is not None for one in authorities.values())
        if self.context.made_by is not None:
            self.counts["authorizations"] += writing.authorizations(list(authorities.values()))
            writing.refresh_tokens(adopted)

    def _authority(self, token: Any, client: ClientHere, user: Any, limits: tuple[str, str]) -> Authority:
        return Authority(
            id=token_plan.family_id(self.context.source.name, token),
            user=user,
            client=client.pk,
            scopes=limits[0],
            resources=limits[1],
            auth_time=client.made_at,
            created_at=token.created,
            expires_at=self.context.began_at + client.lifetime,
            consent_about=client.consent_about,
        )

    def _expiry(self, token: Any) -> datetime | None:
        """The earlier of DOT's expiry and ours; None if DOT would refuse the token now (`validate_refresh_token`)."""
        if token.access_token is None:
            self.leave_out("refused by DOT, too: no access token")
            return None
        ours = self.context.began_at + conf.REFRESH_TOKEN_IDLE_LIFETIME
        if self.context.options.refresh_token_expiry is None:
            return ours
        theirs: datetime = token.access_token.expires + self.context.options.refresh_token_expiry
        if theirs <= self.context.began_at:
            self.leave_out("refused by DOT, too: expired")
            return None
        return min(ours, theirs)


class EndedRefreshTokens(_Tokens):
    """Superseded or revoked tokens of live families. Using one ends its family."""

    name, what = "ended refresh tokens", "ended refresh tokens"

    @property
    def rows(self) -> QuerySet[Any]:
        return self.context.source.refresh_tokens.exclude(revoked=None).exclude(token_family=None)

    def take(self, batch: list[Any]) -> None:
        expires_at = self.context.began_at + conf.AUTHORIZATION_LIFETIME
        source = self.context.source.name
        ended = [
            Adopted(
                token_plan.checksum(token), token_plan.family_id(source, token), "", "", token.created, expires_at,
                token.revoked,
            )
            for token in batch
        ]  # fmt: skip
        if self.context.made_by is None:
            self.counts["ended refresh tokens read"] += len(ended)
        else:
            self.counts["ended refresh tokens kept to detect reuse"] += writing.refresh_tokens(ended)


class AccessTokens(_Tokens):
    """Unexpired access tokens. If a user's token has no refresh token, its authorization expires with it."""

    name, what = "access tokens", "access tokens"

    @property
    def rows(self) -> QuerySet[Any]:
        tokens = self.context.source.access_tokens
        return tokens.filter(Q(expires__gt=self.context.began_at), application_id__isnull=False)

    def take(self, batch: list[Any]) -> None:
        clients, users = self.holders(batch)
        families = self._families(batch)
        alone: list[Authority] = []
        kept: list[OldAccessToken] = []
        for token in batch:
            if (client := clients.get(token.application_id)) is None:
                self.leave_out("of a client that was not imported")
            elif token.user_id is not None and token.user_id not in users:
                self.leave_out("of a user who is not on this site")
            elif limits := self.scopes_and_resources(token):
                expires_at = min(token.expires, self.context.began_at + client.lifetime)
                authorization = families.get(token.pk)
                if authorization is None and token.user_id is not None:
                    authority = self._alone(token, client, users[token.user_id], limits, expires_at)
                    alone.append(authority)
                    authorization = authority.id
                kept.append(
                    OldAccessToken(
                        token_plan.checksum(token), client.pk, authorization, *limits, token.created, expires_at
                    )
                )
        self.counts["access tokens kept until they expire"] += len(kept)
        if self.context.made_by is not None:
            self.counts["authorizations"] += writing.authorizations(alone)
            writing.access_tokens(kept)

    def _families(self, batch: Iterable[Any]) -> dict[int, Any]:
        """Primary key of an access token -> the authorization of its refresh token, if that was imported."""
        tokens = self.context.source.refresh_tokens.filter(access_token__in=[one.pk for one in batch], revoked=None)
        ids = {one.access_token_id: token_plan.family_id(self.context.source.name, one) for one in tokens}
        if self.context.made_by is None:
            return ids
        here = set(Authorization.objects.filter(pk__in=ids.values()).values_list("pk", flat=True))
        return {key: one for key, one in ids.items() if one in here}

    def _alone(
        self, token: Any, client: ClientHere, user: Any, limits: tuple[str, str], expires_at: datetime
    ) -> Authority:
        return Authority(
            id=token_plan.lone_id(self.context.source.name, token),
            user=user,
            client=client.pk,
            scopes=limits[0],
            resources=limits[1],
            auth_time=client.made_at,
            created_at=token.created,
            expires_at=expires_at,
            consent_about=None,
        )


STEPS: tuple[type[Step], ...] = (Applications, LiveRefreshTokens, EndedRefreshTokens, AccessTokens)
