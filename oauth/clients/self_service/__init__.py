"""Apps that developers register themselves: their owners, their sandbox users, and the reviews until they go live.

`host` is the interface to the site: who is a developer, and who its sandbox users are. An app is not live until staff
approve it. Until then only sandbox users of its developer may allow it: `SandboxUser.may_allow` says so to pages, and a
trigger of the database refuses every other authorization.
"""
