"""Alert rules and dashboard: promtool accepts them, their metrics exist, and the runbook explains each alert."""

import json
import re
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from support.accounts import register
from support.alerts import ALERTS, CONFIG, DASHBOARD, RULES, dashboard_expressions, declared_metrics, used_metrics
from support.processes import wait_until
from support.server import RunningServer, free_port
from support.socket import ChatSocket

RUNBOOK = CONFIG.parent / "docs" / "RUNBOOK.md"
NAMES = [rule["alert"] for rule in RULES]


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    assert program, "promtool is missing: run tests/install_packages"
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_promtool_accepts_rules_and_configuration() -> None:
    promtool("check", "rules", ALERTS)
    promtool("check", "config", CONFIG / "prometheus" / "prometheus.yml")


def series(metric: str, values: str, **labels: str) -> dict[str, str]:
    fixed = {"job": "cloudchat", "instance": "a"} | ({} if metric == "up" else {"worker": "0"})
    selector = ",".join(f'{name}="{value}"' for name, value in {**fixed, **labels}.items())
    return {"series": f"{metric}{{{selector}}}", "values": values}


def histogram(metric: str, *, slow: bool) -> list[dict[str, str]]:
    """Return 100 observations a minute: all below 10 ms, or with `slow` a tenth of them above 2 s."""
    quick = "0+90x60" if slow else "0+100x60"
    return [series(f"{metric}_bucket", quick, le="0.01"), series(f"{metric}_bucket", quick, le="2")] + [
        series(f"{metric}_bucket", "0+100x60", le=le) for le in ("5", "+Inf")
    ]


FIRES: dict[str, list[dict[str, str]]] = {
    "CloudchatDown": [series("up", "0x60")],
    "CloudchatNotReady": [series("cloudchat_ready", "0x60")],
    "CloudchatTaskDead": [series("cloudchat_tasks_dead", "1x60")],
    "CloudchatRestarting": [series("process_start_time_seconds", "0+60x60")],
    "CloudchatMessagesNotStored": [
        series("cloudchat_commands_total", "0+60x60", command="send", outcome="unavailable")
    ],
    "CloudchatServerErrors": [series("cloudchat_http_requests_total", "0+60x60", method="GET", status="500")],
    "CloudchatArchiveBehind": [series("cloudchat_archive_lag_seconds", "0+60x60")],
    "CloudchatConnectionsLost": [series("cloudchat_connections", "1000x52 100x8")],
    "CloudchatSlowStore": histogram("cloudchat_append_seconds", slow=True),
    "CloudchatSlowRelay": histogram("cloudchat_relay_seconds", slow=True),
    "CloudchatLoopLag": [series("cloudchat_loop_lag_seconds", "0.9x60")],
    "CloudchatHolesRepaired": [series("cloudchat_holes_repaired_total", "0+60x60")],
    "CloudchatSlowReaders": [series("cloudchat_closes_total", "0+60x60", code="4408")],
    "CloudchatFramesDropped": [series("cloudchat_frames_dropped_total", "0+600x60", cause="slow")],
    "CloudchatLimitsHit": [series("cloudchat_limits_hit_total", "0+600x60", limit="connects")],
    "CloudchatLoginsRefused": [series("cloudchat_auth_total", "0+120x60", action="login", result="refused")],
    "CloudchatConnectsRefused": [
        series("cloudchat_connects_total", "0+60x60", result="accepted"),
        series("cloudchat_connects_total", "0+90x60", result="unauthenticated"),
    ],
    "CloudchatOpenFiles": [series("process_open_fds", "900x60"), series("process_max_fds", "1000x60")],
    "CloudchatMemory": [
        series("process_resident_memory_bytes", "900000000x60"),
        series("cloudchat_connections", "100x60"),
        series("cloudchat_connections", "10000x60", worker="1"),
    ],
    "CloudchatProcessor": [
        series("process_cpu_seconds_total", "0+59x60"),
        series("process_cpu_seconds_total", "0+59x60", worker="1"),
    ],
}

HEALTHY = [
    series("up", "1x60"),
    series("cloudchat_ready", "1x60"),
    series("cloudchat_tasks_dead", "0x60"),
    series("process_start_time_seconds", "1800000000x60"),
    series("cloudchat_commands_total", "0+6000x60", command="send", outcome="accepted"),
    series("cloudchat_commands_total", "0+2x60", command="send", outcome="unavailable"),
    series("cloudchat_http_requests_total", "0+6000x60", method="GET", status="200"),
    series("cloudchat_archive_lag_seconds", "0.4x60"),
    series("cloudchat_connections", "20000x60"),
    *histogram("cloudchat_append_seconds", slow=False),
    *histogram("cloudchat_relay_seconds", slow=False),
    series("cloudchat_loop_lag_seconds", "0.01x60"),
    series("cloudchat_holes_repaired_total", "0+1x60"),
    series("cloudchat_closes_total", "0+600x60", code="1000"),
    series("cloudchat_closes_total", "0+2x60", code="4408"),
    series("cloudchat_limits_hit_total", "0+60x60", limit="connects"),
    series("cloudchat_auth_total", "0+600x60", action="login", result="ok"),
    series("cloudchat_auth_total", "0+20x60", action="login", result="refused"),
    series("cloudchat_connects_total", "0+600x60", result="accepted"),
    series("cloudchat_connects_total", "0+60x60", result="unauthenticated"),
    series("process_open_fds", "20100x60"),
    series("process_max_fds", "65536x60"),
    series("process_resident_memory_bytes", "840000000x60"),
    series("process_cpu_seconds_total", "0+59x60"),
    series("process_cpu_seconds_total", "0+1x60", worker="1"),
    # Old failures of a worker that then did not respond for a while and was replaced.
    series(
        "cloudchat_commands_total", "9000x30 _x3 9000x18 _x2 0x6", command="send", outcome="unavailable", worker="1"
    ),
    # Logins that failed because of a server error are not guesses.
    series("cloudchat_auth_total", "0+600x60", action="login", result="failed"),
]


def query(expression: str, *expected: dict[str, Any]) -> dict[str, Any]:
    return {"expr": expression, "eval_time": "59m", "exp_samples": list(expected)}


def test_each_alert_fires_for_its_problem_and_none_for_a_healthy_server(tmp_path: Path) -> None:
    assert list(FIRES) == NAMES
    tests = [{"interval": "1m", "input_series": HEALTHY, "promql_expr_test": [query("ALERTS")]}]
    for name, input_series in FIRES.items():
        firing = query(
            f'group by (alertname) (ALERTS{{alertname="{name}",alertstate="firing"}})',
            {"labels": f'{{alertname="{name}"}}', "value": 1},
        )
        tests.append({"interval": "1m", "input_series": input_series, "promql_expr_test": [firing]})
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", file)


def test_promtool_accepts_the_expressions_of_the_dashboard(tmp_path: Path) -> None:
    variables = {"$__rate_interval": "5m", "$instance": ".*"}
    rules = []
    for number, expression in enumerate(dashboard_expressions()):
        for variable, value in variables.items():
            expression = expression.replace(variable, value)
        assert "$" not in expression
        rules.append({"record": f"panel_{number}", "expr": expression})
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", file)


def test_dashboard_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        position = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(position["x"], position["x"] + position["w"])
            for y in range(position["y"], position["y"] + position["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_runbook_has_a_section_for_each_alert(rule: dict[str, Any]) -> None:
    file, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert CONFIG.parent / file == RUNBOOK
    assert anchor == rule["alert"].lower()
    assert f"## {rule['alert']}\n" in RUNBOOK.read_text()


def test_runbook_has_no_dead_link_and_no_section_without_an_alert() -> None:
    text = RUNBOOK.read_text()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        file = RUNBOOK.parent / target.partition("#")[0]  # test_docs.py checks the anchors of other pages
        assert target[1:] in anchors if target.startswith("#") else file.exists(), target
    alerts = {heading for heading in headings if heading.startswith("Cloudchat")}
    assert alerts == set(NAMES)


EXPECTED_SERIES = [
    'cloudchat_auth_total{action="login",result="ok",worker="0"}',
    'cloudchat_commands_total{command="send",outcome="accepted",worker="0"}',
    'cloudchat_connects_total{result="accepted",worker="0"}',
]
"""Series of successful operations, with the labels by which the rules distinguish them from failures."""


def test_running_server_exports_every_metric_and_label_that_rules_and_dashboard_use() -> None:
    port = free_port()
    with RunningServer(environment={"CLOUDCHAT_METRICS_PORT": str(port)}) as server:
        with ChatSocket(server.ws_url, register(server.url).access_token) as socket:
            assert socket.send("hello")["type"] == "ack"

        def metrics() -> str:
            return httpx.get(f"http://127.0.0.1:{port}/metrics", verify=False).text

        assert used_metrics() <= declared_metrics(metrics())
        for expected in EXPECTED_SERIES:
            wait_until(partial(lambda series: series in metrics(), expected), expected)
