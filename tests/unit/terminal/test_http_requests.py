import pytest

from cloudchat.terminal.http_requests import Address, AddressError


@pytest.mark.parametrize(
    ("url", "http", "websocket"),
    [
        ("https://chat.example.com", "https://chat.example.com", "wss://chat.example.com/ws"),
        ("chat.example.com/", "https://chat.example.com", "wss://chat.example.com/ws"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws"),
        ("http://[::1]:8000/", "http://[::1]:8000", "ws://[::1]:8000/ws"),
    ],
)
def test_an_address_is_that_of_the_page(url: str, http: str, websocket: str) -> None:
    address = Address(url)
    assert (address.http, address.websocket) == (http, websocket)


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "https://u:p@x", "https://x/?token=t", "https://x:99999"])
def test_other_texts_are_refused(url: str) -> None:
    with pytest.raises(AddressError):
        Address(url)


@pytest.mark.parametrize(
    ("url", "is_local"), [("http://localhost:1", True), ("http://[::1]", True), ("http://a", False)]
)
def test_only_this_machine_is_local(url: str, is_local: bool) -> None:
    assert Address(url).is_local is is_local
