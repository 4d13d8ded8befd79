"""What config/ asks Prometheus: the alert rules, and the expressions of the dashboard."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

CONFIG = Path(__file__).parents[2] / "config"
ALERTS = CONFIG / "prometheus" / "alerts.yml"
DASHBOARD = CONFIG / "grafana" / "cloudchat.json"
_METRIC = re.compile(r"\b(?:cloudchat|process)_[a-z_]+\b")

RULES: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]


def dashboard_expressions() -> list[str]:
    """Of the panels and of the annotations."""
    board = json.loads(DASHBOARD.read_text())
    targets = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return targets + [note["expr"] for note in board["annotations"]["list"]]


def metrics_used() -> set[str]:
    """Histograms by the name that they are declared by."""
    expressions = [*dashboard_expressions(), *(rule["expr"] for rule in RULES)]
    found = {name for expression in expressions for name in _METRIC.findall(expression)}
    return {name.removesuffix("_bucket") for name in found}


def metrics_told(exposition: str) -> set[str]:
    """The names that a `/metrics` declares."""
    return set(re.findall(r"^# TYPE (\S+) ", exposition, re.MULTILINE))
