"""Settings of the site that models of clients need, provided by `oauth.wiring`. They cannot be arguments, because
Django calls `clean` and a field's `choices` without any.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from oauth.infrastructure.provided import Provided


@dataclass(frozen=True, slots=True)
class Site:
    #: Name -> dotted path of extensions of other Django apps.
    grant_types: Mapping[str, str] = field(default_factory=dict)
    authentication_methods: Mapping[str, str] = field(default_factory=dict)
    #: The names of the types of authorization details (RFC 9396).
    details_types: tuple[str, ...] = ()
    #: RFC 8707: the resources of this server; the first is the default for requests.
    resources: tuple[str, ...] = ()
    has_pairwise_subjects: bool = False
    allows_implicit: bool = False
    #: Mutual TLS: whether the site can read client certificates, and whether it trusts a certificate authority.
    sees_certificates: bool = False
    has_certificate_authorities: bool = False
    #: The default algorithms for ID tokens of ordinary clients and of FAPI clients, which must not use RS256.
    id_token_algorithm: str = "RS256"
    access_token_algorithm: str = "ES256"


site: Provided[Site] = Provided()
