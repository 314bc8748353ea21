"""Apps that developers register themselves: whose they are, their sandbox users, and their way to live.

`host` is the interface to the site: who is a developer, and who its sandbox users are. An app is not live until staff
approve it. Until then only sandbox users of its developer may allow it: `SandboxUser.may_allow` says so to pages, and a
trigger of the database refuses every other authorization.
"""
