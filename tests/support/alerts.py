"""The alert rules and the expressions of the dashboard in config/."""

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
    """Return the expressions of the panels and of the annotations."""
    board = json.loads(DASHBOARD.read_text())
    targets = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return targets + [annotation["expr"] for annotation in board["annotations"]["list"]]


def used_metrics() -> set[str]:
    """Return the names of the metrics in rules and dashboard. A histogram has the name of its declaration."""
    expressions = [*dashboard_expressions(), *(rule["expr"] for rule in RULES)]
    found = {name for expression in expressions for name in _METRIC.findall(expression)}
    return {name.removesuffix("_bucket") for name in found}


def declared_metrics(exposition: str) -> set[str]:
    """Return the names of the metrics that the text of `/metrics` declares."""
    return set(re.findall(r"^# TYPE (\S+) ", exposition, re.MULTILINE))
