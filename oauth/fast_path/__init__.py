"""Unusual code that makes hot paths cheaper, one module a trick. README.md says what each saves and how to do without.

OAUTH["FAST_PATH"] = False switches all of it off. Django then answers in its usual way, with the same results.
Everything above may use this package. It imports only Django, psycopg, third-party middleware, and `oauth.conf`.
"""

from oauth.conf import conf


def is_on() -> bool:
    return conf.FAST_PATH
