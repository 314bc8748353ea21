"""Facts about the site that the rules for a client need. `oauth.wiring` makes them from the settings. They cannot be
arguments, because Django calls `clean` and the choices of a field without any.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from oauth.infrastructure.provided import Provided


@dataclass(frozen=True, slots=True)
class Site:
    #: Extensions that other Django apps have registered: names to dotted paths.
    grant_types: Mapping[str, str] = field(default_factory=dict)
    authentication_methods: Mapping[str, str] = field(default_factory=dict)
    #: The names of the types of authorization details (RFC 9396).
    details_types: tuple[str, ...] = ()
    #: RFC 8707: the resources of this server, the default of a request first.
    resources: tuple[str, ...] = ()
    has_pairwise_subjects: bool = False
    allows_implicit: bool = False
    #: Mutual TLS: whether the site gets the certificate of a client, and whether it trusts any authority.
    sees_certificates: bool = False
    has_certificate_authorities: bool = False
    #: The algorithms for ID tokens: of a client that has not chosen one, and of a FAPI client, which must not use
    #: RS256.
    id_token_algorithm: str = "RS256"
    access_token_algorithm: str = "ES256"


site: Provided[Site] = Provided()
