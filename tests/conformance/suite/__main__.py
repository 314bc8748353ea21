"""`python -m tests.conformance.suite PLAN…`; without a plan it lists them.

The environment is the demo's (DATA_DIR and the rest), besides SUITE_URL and SUITE_AUTHORITY.
"""

import os
import sys
from contextlib import ExitStack
from io import StringIO


def main(names: list[str]) -> int:
    from django.core.management import call_command

    from oauth.conf import conf
    from tests.conformance.suite import approval, running
    from tests.conformance.suite.plans import PLANS, Place
    from tests.conformance.suite.rest import Suite

    if not names or not set(names) <= PLANS.keys():
        sys.exit(f"Give plans to run, of: {' '.join(PLANS)}")
    authority = os.environ["SUITE_AUTHORITY"]
    suite = Suite(os.environ["SUITE_URL"], authority)
    printed = StringIO()
    call_command("registration_token", stdout=printed, stderr=StringIO())
    only = os.environ.get("MODULES", "").split()
    ok = True
    with approval.answering(conf.ISSUER, authority) as address:
        place = Place(suite.url, printed.getvalue().split()[-1], address)
        for name in names:
            ok = running.run(suite, name, PLANS[name], place, authority, only) and ok
    return 0 if ok else 1


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with ExitStack() as stack:
        from demo import environment

        sys.argv[1:1] = ["suite"]
        environment.enter(stack)
        import django

        django.setup()
        sys.exit(main(sys.argv[2:]))
