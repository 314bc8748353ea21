"""A project whose users are as unlike Django's own as `AUTH_USER_MODEL` allows, and that requires a login everywhere."""
