"""People: who they are, how they log in, and how the authorization server learns of it.

allauth does the work; here stand the User it works on, the adapter with our wishes, and
`authentication_context`, which tells `oauth` how and when a person logged in. Imports `oauth` only.
"""
