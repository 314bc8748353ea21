"""The page of one user in the admin: what the site's apps know of them, as tabs, with the acts of staff beside it."""
