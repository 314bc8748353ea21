"""The findings of `manage.py check --deploy` about security, as lines of the report."""

from django.core.checks import ERROR, WARNING, CheckMessage, Tags, run_checks

from oauth.conformance_report.line import Line, Standard, Verdict


def lines() -> list[Line]:
    found = run_checks(tags=[Tags.security], include_deployment_checks=True)
    shown = [_line(one) for one in found if one.level >= WARNING and not one.is_silenced()]
    return shown or [
        Line(
            Standard.CHECKS,
            "check --deploy",
            "`manage.py check --deploy` finds nothing about security.",
            Verdict.MET,
            "The check found nothing.",
        )
    ]


def _line(found: CheckMessage) -> Line:
    return Line(
        Standard.CHECKS,
        found.id or "check",
        "This check finds nothing.",
        Verdict.UNMET,
        " ".join(found.msg.split()),
        " ".join((found.hint or "").split()),
        is_required=found.level >= ERROR,
    )
