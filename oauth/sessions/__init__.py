"""Login sessions as clients see them (`sid`), and how they end.

`login_session` finds or ends the session of a browser, `logout_request` parses logout requests of clients, and
`backchannel_logout` notifies clients. Imports `tokens`, `models` and what these import.
"""
