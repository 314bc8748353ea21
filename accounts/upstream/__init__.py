"""Login through other identity providers by OpenID Connect. Admins register them as social applications.

A user of a provider is identified by (`iss`, `sub`), never by a name or an email, because those can pass to another
person (allauth CVE-2025-65431):

1. A known (`iss`, `sub`) logs in to the user account it is connected to.
2. An unknown one creates a user account. The user must confirm the email by a link from us, unless the provider says
   that it is verified and the registration of the provider lists the domain of the email in `verified_email`.
3. If the email belongs to a user account already, nothing is connected and nobody is logged in. The owner gets an
   email, logs in, and connects the provider on the security page. So a provider cannot take over an account by lying
   about emails.

Requests to a provider go through `oauth.infrastructure.outbound`. allauth does the rest. Imports `addresses`.
"""
