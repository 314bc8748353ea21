"""The status lists that this server publishes, read from the database at most every `policy.refresh`."""

import hashlib
import time
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from prometheus_client import Gauge

from oauth import keys
from oauth.errors import TemporarilyUnavailable
from oauth.infrastructure import outage
from oauth.infrastructure.caches import RefreshedCache
from oauth.infrastructure.provided import Provided
from oauth.models import Authorization, Client, RevokedStatus
from oauth.status import account_state
from oauth.tokens import status_list
from oauth.tokens.signing import signer
from oauth.tokens.status_list import STATUS_LIST_SIZE

# The maximum lifetime of access tokens, 15 minutes (oauth.E003), and a tolerance. An authorization that was last used
# before has no valid access token.
_TOKENS_LIVE = timedelta(minutes=16)


@dataclass(frozen=True, slots=True)
class ListPolicy:
    """Settings that `oauth.wiring` provides."""

    issuer: str
    algorithm: str
    #: How long a list is served, and how long it may be used if there is no newer one.
    refresh: timedelta
    max_age: timedelta


stale_seconds = Gauge(
    "status_list_stale_seconds",
    "Age of the oldest status list in use because the database gives no newer one; 0 normally.",
    multiprocess_mode="livemax",
)

policy: Provided[ListPolicy] = Provided()


@dataclass(frozen=True, slots=True)
class Published:
    """A list as bits and as the served JWT. Times are values of time.monotonic()."""

    array: bytes
    jwt: "SignedList | None"  # None if no key could sign the list yet
    made_at: float


@dataclass(frozen=True, slots=True)
class SignedList:
    """A signed list. `array` has the bits, `kid` is that of the key, and `period` is the time of signing (see
    `_period`).
    """

    text: str
    array: bytes
    kid: str
    period: int

    @property
    def etag(self) -> str:
        """The same ETag in all processes and on all servers, so that any of them can return 304. It is weak (RFC 9110
        §8.8.1), because their JWTs differ in the signature and `iat`. It changes with the period, so that 304 does not
        keep a JWT in use that is about to expire.
        """
        said = hashlib.sha256(self.array + f"{self.kid} {self.period}".encode()).hexdigest()
        return f'W/"{said[:32]}"'


def bits(number: int) -> bytes:
    """The bits of one list. An API on this site uses `ended_recently`, which reads all lists at once."""
    return published(number).array


def published(number: int) -> Published:
    """Raises LookupError if no token can name this list."""
    return lists.get(number)


def _load(number: int, known: Published | None) -> Published:
    if known is None and not 0 <= number <= last_number():
        raise LookupError(number)
    try:
        array = status_list.bits(_ended(number))
    except outage.ERRORS:
        # Use the old list for a while. After that, fail closed.
        if known is None or time.monotonic() - known.made_at > policy.values.max_age.total_seconds():
            raise
        stale_seconds.set(time.monotonic() - known.made_at)
        return known
    stale_seconds.set(0)
    return Published(array, _signed(number, array, known.jwt if known else None), time.monotonic())


def _signed(number: int, array: bytes, known: SignedList | None) -> SignedList | None:
    """The known JWT if it is correct and recent, otherwise a new one. If no key can sign now, keeps the known one: APIs
    on this site read the bits, and others can use the old JWT until it expires.
    """
    # After a change of the key, sign a new JWT, so that resource servers fetch the JWK Set and drop withdrawn keys.
    kid = keys.signing_key(policy.values.algorithm).kid
    is_true = known is not None and (known.array, known.kid) == (array, kid)
    period = _period()
    if known is not None and is_true and known.period == period:
        return known
    try:
        text = _sign(number, array)
    except TemporarilyUnavailable:
        return known
    return SignedList(text, array, kid, period)


def _is_fresh(known: Published) -> bool:
    return known.made_at + policy.values.refresh.total_seconds() > time.monotonic()


def _is_usable(known: Published) -> bool:
    """Whether the cached list may be used while another thread loads a new one. An old list must not be used, because
    revoked tokens would be accepted.
    """
    return time.monotonic() - known.made_at <= policy.values.max_age.total_seconds()


lists: RefreshedCache[int, Published] = RefreshedCache(_load, is_fresh=_is_fresh, is_usable=_is_usable)


def _ended(number: int) -> list[int]:
    """The indexes whose bit is set: revoked ones, and those of clients and users that are disabled now."""
    first = number * STATUS_LIST_SIZE
    here = Q(status_index__gte=first, status_index__lt=first + STATUS_LIST_SIZE)
    ended = RevokedStatus.objects.filter(index__gte=first, index__lt=first + STATUS_LIST_SIZE)
    in_use = Authorization.objects.filter(here, last_used_at__gt=timezone.now() - _TOKENS_LIVE)
    # Use separate queries that begin with the few disabled rows, instead of reading all authorizations of the list.
    return [
        *ended.values_list("index", flat=True),
        *account_state.of_inactive_users(in_use).values_list("status_index", flat=True),
        *in_use.filter(client__is_active=False).values_list("status_index", flat=True),
        *Client.objects.filter(here, is_active=False).values_list("status_index", flat=True),
    ]


def last_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM oauth_status_index")
        return int(cursor.fetchone()[0]) // STATUS_LIST_SIZE


def _period() -> int:
    """Identifies half a lifetime of a list. When the period changes, at fixed times, all servers sign their lists
    again.
    """
    return int(timezone.now().timestamp() // max(1, policy.values.max_age.total_seconds() / 2))


def _sign(number: int, array: bytes) -> str:
    """§5.1: a list must not be used after `exp` and should be fetched again after `ttl`."""
    now, site = int(timezone.now().timestamp()), policy.values
    payload = {
        "iss": site.issuer,
        "sub": status_list.uri(number, issuer=site.issuer),
        "iat": now,
        "exp": now + int(site.max_age.total_seconds()),
        "ttl": max(1, int(site.refresh.total_seconds())),
        "status_list": status_list.to_claim(array),
    }
    return signer(typ=status_list.TYP, algorithm=site.algorithm).encode(payload)
