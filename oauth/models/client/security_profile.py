"""Security requirements of a client. The profile is checked at every request, so that no other field can weaken it."""

from django.db import models

from oauth.algorithms import CLIENT_SIGNING_ALGORITHMS, SIGNING_ALGORITHMS, STRONG_SIGNING_ALGORITHMS
from oauth.models.client.site import site

_ALGORITHMS = [(name, name) for name in SIGNING_ALGORITHMS]


class SecurityProfile(models.TextChoices):
    """Each profile includes all rules of the previous one.

    FAPI-CIBA differs from FAPI 2.0 in one rule: a client assertion may name an endpoint instead of the issuer (CIBA
    §7.1), which FAPI 2.0 §5.3.2.1 forbids.
    """

    OAUTH21 = "oauth21", "OAuth 2.1 and RFC 9700: the default"
    FAPI_CIBA = "fapi-ciba", "FAPI-CIBA: back-channel requests, signed by the client"
    FAPI2 = "fapi2", "FAPI 2.0 Security Profile"
    FAPI2_MESSAGE_SIGNING = "fapi2-message-signing", "FAPI 2.0 Message Signing"


class HasSecurityProfile(models.Model):
    security_profile = models.CharField(max_length=30, choices=SecurityProfile.choices, default=SecurityProfile.OAUTH21)
    require_signed_request_object = models.BooleanField(
        "signed requests only", default=False, help_text="RFC 9101 §10.5: requests must be JWTs signed by the client."
    )
    request_object_signing_alg = models.CharField(
        "request signature", max_length=10, choices=[(name, name) for name in CLIENT_SIGNING_ALGORITHMS], blank=True
    )
    token_endpoint_auth_signing_alg = models.CharField(
        "assertion signature",
        max_length=10,
        choices=[(name, name) for name in CLIENT_SIGNING_ALGORITHMS],
        blank=True,
        default="",
        db_default="",
        help_text="For private_key_jwt: the only accepted algorithm. Leave empty for all algorithms of this server.",
    )
    authorization_signed_response_alg = models.CharField(
        "authorization response signature",
        max_length=10,
        choices=_ALGORITHMS,
        blank=True,
        help_text="JARM §3. Leave empty for the server's default.",
    )
    id_token_signed_response_alg = models.CharField(
        "ID token signature",
        max_length=10,
        choices=_ALGORITHMS,
        blank=True,
        help_text="Leave empty for the server's default.",
    )
    userinfo_signed_response_alg = models.CharField(
        "UserInfo signature", max_length=10, choices=_ALGORITHMS, blank=True, help_text="Leave empty for plain JSON."
    )
    introspection_signed_response_alg = models.CharField(
        "introspection signature", max_length=10, choices=_ALGORITHMS, blank=True, help_text="RFC 9701 §6."
    )
    require_pkce = models.BooleanField(
        "PKCE required",
        default=True,
        db_default=True,
        help_text="RFC 7636. Untick this only for an old confidential app that cannot send a code_challenge.",
    )
    require_pushed_authorization_requests = models.BooleanField(
        "pushed requests only", default=False, help_text="RFC 9126: the client must push its requests."
    )
    dpop_bound_access_tokens = models.BooleanField(
        "DPoP only", default=False, help_text="RFC 9449 §5.2: every token is bound to a key of the client."
    )
    tls_client_certificate_bound_access_tokens = models.BooleanField(
        "certificate-bound tokens only",
        default=False,
        help_text="RFC 8705 §3.4: every token is bound to the client's certificate.",
    )

    class Meta:
        abstract = True

    @property
    def is_public(self) -> bool:
        """RFC 6749 §2.1: whether the client cannot keep a secret."""
        raise NotImplementedError

    @property
    def is_fapi(self) -> bool:
        """Whether the client has one of the FAPI profiles."""
        return self.security_profile != SecurityProfile.OAUTH21

    @property
    def is_fapi2(self) -> bool:
        return self.is_fapi and self.security_profile != SecurityProfile.FAPI_CIBA

    @property
    def must_use_pkce(self) -> bool:
        """RFC 9700 §2.1.1 requires PKCE for public clients, FAPI 2.0 §5.3.2.2 for FAPI clients."""
        return self.require_pkce or self.is_public or self.is_fapi

    @property
    def signs_messages(self) -> bool:
        return self.security_profile == SecurityProfile.FAPI2_MESSAGE_SIGNING

    @property
    def must_push(self) -> bool:
        """FAPI 2.0 §5.3.2.2, ASVS 5.0 10.4.13: every request must be pushed."""
        return self.require_pushed_authorization_requests or self.is_fapi

    @property
    def must_bind(self) -> bool:
        """FAPI 2.0 §5.3.2.1: every token must be sender-constrained."""
        return self.dpop_bound_access_tokens or self.is_fapi

    @property
    def must_sign_requests(self) -> bool:
        """FAPI 2.0 Message Signing §5.3.1: whether authorization requests must be signed."""
        return self.require_signed_request_object or self.signs_messages

    @property
    def signing_algorithms(self) -> tuple[str, ...]:
        """The algorithms with which the client may sign. FAPI 2.0 §5.4.1 excludes RS256."""
        return STRONG_SIGNING_ALGORITHMS if self.is_fapi else CLIENT_SIGNING_ALGORITHMS

    @property
    def assertion_algorithms(self) -> tuple[str, ...]:
        """OpenID Connect Registration §2: the registered one, or all."""
        chosen = self.token_endpoint_auth_signing_alg
        return tuple(one for one in self.signing_algorithms if chosen in ("", one))

    @property
    def request_object_algorithms(self) -> tuple[str, ...]:
        """OpenID Connect Registration §2: the registered one, or all."""
        chosen = self.request_object_signing_alg
        return tuple(one for one in self.signing_algorithms if chosen in ("", one))

    @property
    def id_token_algorithm(self) -> str:
        """The algorithm of ID tokens. FAPI 2.0 §5.4.1 excludes RS256."""
        chosen: str = self.id_token_signed_response_alg or site.values.id_token_algorithm
        return site.values.access_token_algorithm if self.is_fapi and chosen == "RS256" else chosen

    @property
    def authorization_response_algorithm(self) -> str:
        """The algorithm of signed authorization responses (JARM §3)."""
        return self.authorization_signed_response_alg or site.values.access_token_algorithm

    @property
    def introspection_response_algorithm(self) -> str:
        """The algorithm of signed introspection responses (RFC 9701 §6)."""
        return self.introspection_signed_response_alg or site.values.access_token_algorithm
