"""The rules of the report. A decorator adds a function: `about_site` takes () -> Outcome, `about_client` (Client) ->
Outcome.

`covers` names rows of `enforced.json` that depend on the configuration. The function's line replaces these rows and
names the code that enforces them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from oauth.conformance_report.line import Outcome, Standard
from oauth.models import Client

SiteJudge = Callable[[], Outcome]
ClientJudge = Callable[[Client], Outcome]
Judge = TypeVar("Judge")


@dataclass(frozen=True, slots=True)
class Rule(Generic[Judge]):
    standard: Standard
    section: str
    text: str
    judge: Judge
    is_required: bool
    covers: tuple[str, ...]


SITE_RULES: list[Rule[SiteJudge]] = []
CLIENT_RULES: list[Rule[ClientJudge]] = []


def about_site(
    standard: Standard, section: str, text: str, *, is_required: bool = True, covers: Sequence[str] = ()
) -> Callable[[SiteJudge], SiteJudge]:
    def register(judge: SiteJudge) -> SiteJudge:
        SITE_RULES.append(Rule(standard, section, text, judge, is_required, tuple(covers)))
        return judge

    return register


def about_client(
    standard: Standard, section: str, text: str, *, is_required: bool = True, covers: Sequence[str] = ()
) -> Callable[[ClientJudge], ClientJudge]:
    def register(judge: ClientJudge) -> ClientJudge:
        CLIENT_RULES.append(Rule(standard, section, text, judge, is_required, tuple(covers)))
        return judge

    return register
