"""Apps that developers register themselves, their sandbox users, and reviews by staff.

`host` is the interface to the site, which decides who is a developer and creates sandbox users. Until staff approve an
app, it is not live, and only sandbox users of its developer may allow it: pages check `SandboxUser.may_allow`, and a
database trigger refuses every other authorization.
"""
