"""Users, their login, and the facts about both that the authorization server gets.

django-allauth does most of the work. The subpackages contain what this site adds: `login`, `passwords`,
`second_factors`, `addresses`, `browsers`, `upstream`, `staff`, `pages`, `changes` (what follows from a new password or
email) and `notices` (the emails about it). This package imports only `oauth`.
"""
