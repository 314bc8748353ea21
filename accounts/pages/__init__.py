"""Pages of a logged-in user: security, personal data, home. Imports every room below."""
