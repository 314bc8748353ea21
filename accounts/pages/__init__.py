"""Pages of a logged-in user: security, personal data, home. Imports `browsers`, `changes`, `closing`, `login`,
`models` and `passwords`.
"""
