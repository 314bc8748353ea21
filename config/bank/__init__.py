"""What the bank needs of the authorization server, and what the admin shows of both. Imports no other room."""
