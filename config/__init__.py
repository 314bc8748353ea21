"""The site: settings from the environment, URLs, the WSGI application, and the subpackages.

`server` runs it, `http` has its middleware and error answers, `bank` connects the bank to the authorization server.
It imports every other package; only `demo` imports it.
"""

VERSION = "0.2.0"
