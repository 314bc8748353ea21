"""Staff in the admin: which proof of who they are an act needs, and whose user account they may touch."""
