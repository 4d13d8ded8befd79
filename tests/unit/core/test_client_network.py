import pytest

from cloudchat.core.client_network import client_network, subscriber_network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("local", "local"),
        ("", "local"),
    ],
)
def test_client_network_is_the_ipv4_address_or_the_ipv6_subnet(address: str, network: str) -> None:
    assert client_network(address) == network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("2001:db8:1:2::1", "2001:db8:1::/48"),
        ("2001:db8:1:ffff::1", "2001:db8:1::/48"),
        ("192.0.2.1", None),
        ("::ffff:192.0.2.1", None),
        ("", None),
        ("testclient", None),
    ],
)
def test_subscriber_network_is_the_48_of_an_ipv6_client(address: str, network: str | None) -> None:
    assert subscriber_network(client_network(address)) == network
