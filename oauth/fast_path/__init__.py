"""Unusual code that makes frequent requests cheaper, one optimization per module. README.md says what each saves and
how to work without it.

OAUTH["FAST_PATH"] = False turns all optimizations off. The results are the same. All packages of the site may use this
one. Of `oauth`, it imports only `conf`.
"""

from oauth.conf import conf


def is_on() -> bool:
    return conf.FAST_PATH
