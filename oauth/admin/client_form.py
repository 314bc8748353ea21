"""The form that changes a client, with all fields. The form of a new client is in `clients.client_form`."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from oauth.clients import with_grant_types_of_profile
from oauth.clients.client_form import AddClientForm, ClientForm
from oauth.infrastructure.generic import ModelForm
from oauth.models import Client
from oauth.models.client import (
    CERTIFICATE_NAME_KINDS,
    AuthenticationMethod,
    SecurityProfile,
    authentication,
    grant_types,
)

__all__ = ["CERTIFICATE_NAMES", "AddClientForm", "ChangeClientForm", "PlainClientForm"]

# If a form does not send these fields, they stay unchanged.
_KEPT_WHEN_ABSENT = ("subject_type", "backchannel_token_delivery_mode", "security_profile")
CERTIFICATE_NAMES = tuple(f"tls_client_auth_{kind}" for kind in CERTIFICATE_NAME_KINDS)
_FAPI = frozenset(SecurityProfile.values) - {SecurityProfile.OAUTH21.value}


class PlainClientForm(ModelForm[Client]):
    """The form for staff with only the view permission."""

    class Meta:
        model = Client
        fields: tuple[str, ...] = ()


class _KeysField(forms.JSONField):
    """A JSONField that also refuses JSON that Python cannot read, because it is nested too deeply or has a number with
    too many digits.
    """

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except (ValueError, RecursionError):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """The submitted text as it is, because it may be such JSON, or contain a lone surrogate."""
        return None if data is None else forms.fields.InvalidJSONInput(data)


class ChangeClientForm(ClientForm):
    grant_types = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple(attrs={"class": "explained"}),
        help_text=_("Only what the client uses."),
    )
    proves_itself_by = forms.ChoiceField(
        required=False,
        label=_("Change the authentication method"),
        help_text=_("To a key or a certificate. The client secret stops working within seconds."),
    )
    # Not a checkbox, because a form without this field must not turn PKCE off.
    require_pkce = forms.TypedChoiceField(
        required=False,
        label=_("PKCE"),
        choices=[("True", _("Required")), ("False", _("May be left out"))],
        coerce=lambda value: value == "True",
        empty_value=None,
        help_text=Client._meta.get_field("require_pkce").help_text,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["grant_types"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [one for one in grant_types.choices() if one[0] in grant_types.offered()]
        for name in _KEPT_WHEN_ABSENT:
            self.fields[name].required = False
        with_secret_or_none = authentication.SECRET_METHODS | {AuthenticationMethod.NONE.value}
        offered = set(authentication.offered()) - with_secret_or_none
        method = self.fields["proves_itself_by"]
        assert isinstance(method, forms.ChoiceField)
        method.choices = [("", _("Unchanged")), *(one for one in authentication.choices() if one[0] in offered)]

    def clean(self) -> dict[str, Any] | None:
        """A client with a FAPI profile and keys authenticates with the keys, and its secret is removed."""
        cleaned = super().clean()
        given = self.cleaned_data
        for name in _KEPT_WHEN_ABSENT:
            given[name] = given.get(name) or getattr(self.instance, name)
        given["grant_types"] = with_grant_types_of_profile(given["security_profile"], given.get("grant_types", []))
        has_keys = bool(given.get("client_jwks") or given.get("client_jwks_uri"))
        method = given.get("proves_itself_by")
        is_secret = self.instance.has_secret
        if (
            not method
            and given.get("security_profile") in _FAPI
            and has_keys
            and (is_secret or self.instance.is_public)
        ):
            method = AuthenticationMethod.PRIVATE_KEY_JWT
        if self.instance.is_public or given["security_profile"] in _FAPI:
            given["require_pkce"] = True
        if method:
            self.instance.token_endpoint_auth_method = method
            self.instance.client_type = Client.CLIENT_CONFIDENTIAL
            self.instance.remove_secrets()
        return cleaned

    class Meta(ClientForm.Meta):
        field_classes = {"client_jwks": _KeysField}
        fields = (
            "name", "is_active", "allowed_scopes", "authorization_details_types", "redirect_uris", "grant_types",
            "access_token_lifetime",
            "authorization_lifetime", "client_uri", "logo_uri", "policy_uri", "tos_uri", "client_jwks",
            "client_jwks_uri", "security_profile", "require_pkce",
            "require_pushed_authorization_requests", "dpop_bound_access_tokens",
            "require_signed_request_object", "request_object_signing_alg", "authorization_signed_response_alg",
            "token_endpoint_auth_signing_alg",
            "tls_client_certificate_bound_access_tokens", *CERTIFICATE_NAMES,
            "accepts_endpoint_audience", "exchange_policy", "exchange_from",
            "post_logout_redirect_uris", "backchannel_logout_uri", "backchannel_logout_session_required",
            "subject_type", "sector_identifier_uri", "id_token_signed_response_alg", "userinfo_signed_response_alg",
            "introspection_signed_response_alg", "id_token_at_refresh", "user_claims_in_id_token",
            "default_max_age", "backchannel_token_delivery_mode",
            "backchannel_client_notification_endpoint",
        )  # fmt: skip
