"""The device code grant (RFC 8628 §3.4, §3.5): the device polls until the user has decided on another device."""

from oauth.grants.polling import PollingGrant
from oauth.models import DeviceCode


class DeviceCodeGrant(PollingGrant[DeviceCode]):
    name = parameter = "device_code"
    model = DeviceCode
    digest_field = "code_digest"
    not_valid = "The device code is not valid: unknown, already used, or of another client."
    expired = "The device code has expired. Request a new one."

    def must_keep_interval(self, waiting: DeviceCode) -> bool:
        """RFC 8628 §3.5: always, because the device does not know whether the user has decided."""
        return True


grant = DeviceCodeGrant()
