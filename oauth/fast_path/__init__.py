"""Unusual code that makes hot paths cheaper, with one module for each trick. README.md says what each one saves, and
how to work without it.

OAUTH["FAST_PATH"] = False switches all of it off. Django then answers in its usual way, with the same results.
All packages of the site may use this one. It imports only Django, psycopg, third-party middleware, and `oauth.conf`.
"""

from oauth.conf import conf


def is_on() -> bool:
    return conf.FAST_PATH
