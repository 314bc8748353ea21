"""Users, how they log in, and the facts about both for the authorization server.

django-allauth does most of the work. The subpackages contain what this site adds: `login`, `passwords`,
`second_factors`, `addresses`, `browsers`, `upstream`, `staff`, `pages`, `changes` (what a new password or email ends),
`closing` (of user accounts) and `notices` (emails about changes). This package imports only `oauth`.
"""
