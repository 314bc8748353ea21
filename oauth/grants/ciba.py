"""The CIBA grant (OpenID Connect CIBA Core 1.0 §10.1, §11): the client polls, in ping mode after a notification."""

from oauth.grants.polling import PollingGrant
from oauth.models import BackchannelRequest


class CIBAGrant(PollingGrant[BackchannelRequest]):
    name = "ciba"
    parameter = "auth_req_id"
    model = BackchannelRequest
    digest_field = "request_digest"
    not_valid = "The auth_req_id is not valid: unknown, already used, or of another client."
    expired = "The user did not decide in time. Send a new request."

    def must_keep_interval(self, waiting: BackchannelRequest) -> bool:
        """§7.3, §11: only until the user has decided, because a client in ping mode polls immediately after the
        notification.
        """
        return waiting.denied_at is None and waiting.authorization_id is None


grant = CIBAGrant()
