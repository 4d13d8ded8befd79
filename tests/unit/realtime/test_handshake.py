import pytest

from cloudchat.realtime.handshake import Credential, HandshakeRejection, check_origin, credential_of


def test_a_browser_brings_its_token_as_a_subprotocol():
    assert credential_of({}, ["cloudchat.v1", "cloudchat.token.abc"]) == Credential("abc", from_header=False)


def test_a_program_brings_it_in_the_header():
    assert credential_of({"authorization": "bearer abc"}, ["cloudchat.v1"]) == Credential("abc", from_header=True)


@pytest.mark.parametrize(
    ("headers", "subprotocols", "status"),
    [
        ({"authorization": "Bearer abc"}, [], 400),
        ({"authorization": "Bearer abc"}, ["cloudchat.v2"], 400),
        ({}, ["cloudchat.token.abc"], 400),
        ({}, ["cloudchat.v1", "cloudchat.token.a", "cloudchat.token.b"], 400),
        ({}, ["cloudchat.v1"], 401),
        ({"authorization": "Basic abc"}, ["cloudchat.v1"], 401),
        ({"authorization": "Bearer "}, ["cloudchat.v1"], 401),
    ],
)
def test_without_exactly_one_credential_there_is_no_socket(headers, subprotocols, status):
    refusal = credential_of(headers, subprotocols)
    assert isinstance(refusal, HandshakeRejection)
    assert refusal.status == status


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://chat.example", True),
        ("https://chat.example.evil", False),
        ("http://chat.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_the_exact_origin_may_open(origin, allowed):
    assert (check_origin({"origin": origin}, {"https://chat.example"}) is None) == allowed


def test_a_program_without_origin_may_open():
    assert check_origin({}, {"https://chat.example"}) is None
