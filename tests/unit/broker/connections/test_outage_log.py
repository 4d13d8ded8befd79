import logging

import pytest

from cloudchat.broker.connections.outage_log import OutageLog


def test_each_change_of_state_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    log = OutageLog(begin="no messages", end="messages again")
    log.succeeded()
    for problem in ("OOM command not allowed", "OOM used memory", "LOADING", "LOADING"):
        log.failed(problem)
    log.succeeded()
    log.succeeded()
    log.failed("OOM")
    assert [record.getMessage() for record in caplog.records] == [
        "no messages error=OOM command not allowed",
        "no messages error=LOADING",
        "messages again",
        "no messages error=OOM",
    ]
