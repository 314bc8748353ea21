"""Runs the modules of a plan one after another."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO

from django.core.management import call_command

from oauth.conf import conf
from tests.conformance.suite import clients
from tests.conformance.suite.plans import Place, Plan
from tests.conformance.suite.rest import ENDED, Suite, Verdict
from tests.conformance.suite.user import User

ORDER = ("PASSED", "WARNING", "REVIEW", "SKIPPED", "FAILED", "INTERRUPTED")


def run(suite: Suite, name: str, plan: Plan, place: Place, authority: str, only: Sequence[str] = ()) -> bool:
    """Prints each module with its outcome and the reasons. Returns whether none failed and none was interrupted."""
    created = suite.plan(plan.name, plan.variant, plan.configuration(place))
    modules = [one for one in created["modules"] if not only or one["testModule"] in only]
    print(f"{name}: {plan.name}, {len(modules)} modules", flush=True)
    verdicts = []
    with _relaxed(plan.relaxes_registered_clients):
        for number, module in enumerate(modules, 1):
            module_id = _started(suite, created["id"], module["testModule"], module.get("variant") or {})
            if plan.logs_in_through:
                _log_in(suite, module_id, module["testModule"], User(conf.ISSUER, authority), plan.logs_in_through)
            verdict = _ended(suite, module_id)
            verdicts.append(verdict)
            print(f"{number:3} {verdict.outcome:11} {verdict.module}", flush=True)
            for reason in verdict.reasons:
                print(f"                {reason}", flush=True)
    counted = Counter(verdict.outcome for verdict in verdicts)
    print(f"{name}: " + ", ".join(f"{counted[one]} {one.lower()}" for one in ORDER if counted[one]), flush=True)
    return not counted["FAILED"] and not counted["INTERRUPTED"]


def _started(suite: Suite, plan_id: str, name: str, variant: dict[str, str]) -> str:
    clients.forget_earlier_modules()
    module_id = suite.module(plan_id, name, variant)
    if suite.wait_for(module_id, "CONFIGURED", "WAITING", *ENDED) == "CONFIGURED":
        if name == "oidcc-server-rotate-keys":
            _rotate_keys()
        suite.start(module_id)
    return module_id


def _log_in(suite: Suite, module_id: str, name: str, user: User, provider: str) -> None:
    """Logs in once, or as often as the module needs. Prints the page on which the user arrives."""
    # The first of these modules ends when the site has read the metadata, the second after a second login with the
    # provider's new keys.
    ways = {
        "oidcc-client-test-discovery-openid-config": [user.choose],
        "oidcc-client-test-signing-key-rotation": [user.log_in_through] * 2,
    }
    for way in ways.get(name, [user.log_in_through]):
        if suite.wait_for(module_id, "WAITING", *ENDED) == "WAITING":
            print(f"     {way(provider)}", flush=True)


def _ended(suite: Suite, module_id: str) -> Verdict:
    if suite.wait_for(module_id, *ENDED) not in ENDED:
        suite.stop(module_id)
        suite.wait_for(module_id, *ENDED, seconds=30)
    return suite.verdict(module_id)


def _rotate_keys() -> None:
    """Rotates the keys of one algorithm only, because the suite cannot read new keys of the type OKP. Returns when
    every worker process publishes the new key.
    """
    call_command("rotate_keys", algorithm="ES256", stdout=StringIO())
    time.sleep(conf.KEY_CACHE_LIFETIME.total_seconds() + 1)


@contextmanager
def _relaxed(wanted: bool) -> Iterator[None]:
    if wanted:
        clients.relax_registered_ones()
    try:
        yield
    finally:
        if wanted:
            clients.relax_no_longer()
