"""Login through other identity providers (OpenID Connect). Admins register a provider as allauth's SocialApp.

A user of a provider is identified by (`iss`, `sub`), never by a name or an email, because a provider can reassign those
(allauth CVE-2025-65431):

1. A known (`iss`, `sub`) logs in to the connected user account.
2. An unknown (`iss`, `sub`) creates a user account. The user must confirm the email with a link, unless the provider
   says that it is verified and the provider's setting `verified_email` lists its domain.
3. If the email already belongs to a user account, nothing is connected and nobody is logged in. The owner gets an email
   and can log in and connect the provider. So a provider cannot take over an account with a false email.

Requests to a provider go through `oauth.infrastructure.outbound`. allauth does the rest. Imports `addresses` and what
it imports.
"""
