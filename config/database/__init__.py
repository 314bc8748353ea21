"""The database of the site and its outages: what asks whether it is there, and who is refused meanwhile."""
