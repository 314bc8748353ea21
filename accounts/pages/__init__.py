"""Pages of a logged-in user: security, personal data, home. Imports `closing`, `login` and what these import."""
