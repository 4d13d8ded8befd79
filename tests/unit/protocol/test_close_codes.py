"""The table of close codes against the limits of RFC 6455."""

import pytest

from cloudchat.protocol.close_codes import CloseCode


@pytest.mark.parametrize("code", CloseCode)
def test_a_reason_fits_into_a_close_frame(code: CloseCode) -> None:
    assert 0 < len(code.reason.encode()) <= 123


@pytest.mark.parametrize("code", CloseCode)
def test_a_code_may_be_sent_in_a_close_frame(code: CloseCode) -> None:
    assert code in (1000, 1003, 1007, 1009, 1011, 1012) or 4000 <= code <= 4999
