"""Login sessions as clients see them (`sid`), and the ways they end.

`login_session` finds or ends the session of a browser, `logout_request` reads RP-Initiated Logout, and
`backchannel_logout` tells clients. Imports `tokens`, `models` and below.
"""
