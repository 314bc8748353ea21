"""What the person allows: whether to ask, and what an answer writes."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from oauth.authorization.request import AuthorizationRequest
from oauth.conf import conf
from oauth.models import Authorization, AuthorizationCode, Client, Scope, Session
from oauth.models.secret import digest, new_secret


def is_needed(request: AuthorizationRequest, client: Client, user: Any) -> bool:
    """Whether the person has to be asked.

    ASVS 5.0 10.7.1: always where the client cannot prove its identity; a confidential client is remembered
    for what it was allowed, and asks again when it wants more.
    """
    if client.is_public or "consent" in request.prompts:
        return True
    allowed = Authorization.objects.live().filter(user=user, client=client)
    return not any(
        set(request.scopes) <= set(one.scopes) and set(request.resources) <= set(one.resources) for one in allowed
    )


def expires_at(client: Client) -> datetime:
    """When what is allowed now ends, however often it is refreshed (ASVS 5.0 10.4.8)."""
    return timezone.now() + (client.authorization_lifetime or conf.AUTHORIZATION_LIFETIME)


@transaction.atomic
def allow(request: AuthorizationRequest, client: Client, session: Session) -> str:
    """Writes the Authorization and a code for it; returns the code, known only now."""
    authorization = Authorization.objects.create(
        user=session.user,
        client=client,
        session=session,
        scopes=list(request.scopes),
        resources=list(request.resources),
        expires_at=expires_at(client),
    )
    code = new_secret()
    now = timezone.now()
    AuthorizationCode.objects.create(
        code_digest=digest(code),
        authorization=authorization,
        session=session,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        scopes=list(request.scopes),
        resources=list(request.resources),
        nonce=request.nonce,
        created_at=now,
        expires_at=now + conf.AUTHORIZATION_CODE_LIFETIME,
    )
    return code


def groups(scopes: tuple[str, ...]) -> list[tuple[str, list[str]]]:
    """The scopes as titles with sentences, in the order of the consent page; all of them, none hidden."""
    rows = {scope.name: scope for scope in Scope.objects.filter(name__in=scopes)}
    titles: dict[str, list[str]] = {label: [] for label in Scope.Group.labels}
    for row in sorted(rows.values(), key=lambda scope: (scope.position, scope.name)):
        titles[Scope.Group(row.group).label].append(row.sentence)
    for name in scopes:
        if name not in rows:
            titles[Scope.Group.READ.label].append(name)
    return [(str(title), sentences) for title, sentences in titles.items() if sentences]
