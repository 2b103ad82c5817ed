"""Which of the field's cases ran and which were left out, told per topic and convention when the tests end."""

from collections import Counter, defaultdict

import pytest

from tests.cases import field


@pytest.fixture(autouse=True)
def counted(request: pytest.FixtureRequest) -> None:
    """Each case travels with its topic and convention, so that workers of xdist report them too."""
    case = request.node.callspec.params["case"]
    request.node.user_properties.append(("field_case", [case.topic, case.convention]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran: Counter[tuple[str, str]] = Counter()
    out: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name != "field_case":
                    continue
                if outcome == "skipped":
                    out[tuple(value)][report.longrepr[2].removeprefix(f"Skipped: {value[1]}: ")] += 1
                else:
                    ran[tuple(value)] += 1
    if ran or out:
        _tell(terminalreporter, ran, out)
    elif not field.FOLDER:
        terminalreporter.write_line(field.LEFT_OUT)


def _tell(reporter: pytest.TerminalReporter, ran: Counter, out: dict) -> None:
    left = sum(sum(why.values()) for why in out.values())
    reporter.section(f"the field's cases: {ran.total()} ran, {left} left out")
    for topic, convention in sorted({*ran, *out}):
        why = out.get((topic, convention), Counter())
        reporter.write_line(
            f"{topic:20} {convention:36} ran {ran[topic, convention]:3}   left out {why.total():3}"
        )
        for reason, count in why.most_common():
            reporter.write_line(f"{'':20} {count:3} × {reason}")
