"""The page of one user in the admin: the data of each Django app about the user, as tabs, with the actions of staff."""
