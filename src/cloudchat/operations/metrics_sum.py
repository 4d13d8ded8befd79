"""One exposition of several processes: what is counted is added up, what is a state is the worst one."""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client.parser import text_string_to_metric_families

_WORST: dict[str, Callable[[Iterable[float]], float]] = {
    "cloudchat_ready": min,
    "cloudchat_loop_lag_seconds": max,
    "process_start_time_seconds": max,
    "process_max_fds": min,
    "process_open_fds": max,
}


def sum_up(texts: Sequence[bytes]) -> bytes:
    """Join expositions in Prometheus's text format. One alone is given back as it is."""
    if len(texts) == 1:
        return texts[0]
    families: dict[str, dict[str, list[float]]] = {}
    for text in texts:
        for family in text_string_to_metric_families(text.decode()):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            head = f"# HELP {name} {family.documentation}\n# TYPE {name} {family.type}\n"
            samples = families.setdefault(head, {})
            for sample in family.samples:
                labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels.items())
                samples.setdefault(f"{sample.name}{{{labels}}}" if labels else sample.name, []).append(sample.value)
    return "".join(
        head + "".join(f"{place} {_WORST.get(place, sum)(values)}\n" for place, values in samples.items())
        for head, samples in families.items()
    ).encode()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
