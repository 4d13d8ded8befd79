"""The connections of threads: on a real store, and on a socket that answers what a real one does only rarely."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hiredis
import pytest

from cloudchat.broker.connections import BrokerUnavailable
from cloudchat.broker.connections.blocking_connection import BlockingConnection, BlockingFunctions
from cloudchat.broker.connections.store_url import parse_store_url
from support.certificates import Authority
from support.stores import RunningStore

LIBRARY = """#!lua name=test_counter
redis.register_function('count', function(keys, args) return redis.call('INCRBY', keys[1], args[1]) end)
"""
SECONDS = 10.0
SHORT_SECONDS = 0.2


@pytest.fixture
def functions(store: RunningStore) -> BlockingFunctions:
    return BlockingFunctions(store.url, library=LIBRARY, seconds=SECONDS)


@contextlib.contextmanager
def answering(address: str, answer: Callable[[socket.socket], None]) -> Iterator[None]:
    """Call `answer` with each connection to a unix socket, one after the other."""

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer, contextlib.suppress(OSError):
                answer(peer)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(SECONDS)


def test_threads_count_each_call_once(functions: BlockingFunctions) -> None:
    key = "count of threads"
    start = functions.call("count", key, 0)
    with ThreadPoolExecutor(8) as threads:
        counts = list(threads.map(lambda _: functions.call("count", key, 1), range(200)))
    assert sorted(counts) == list(range(start + 1, start + 201))


def test_a_call_after_a_restart_of_the_store_connects_again() -> None:
    with RunningStore() as store:
        functions = BlockingFunctions(store.url, library=LIBRARY, seconds=SECONDS)
        assert functions.call("count", "key", 1) == 1
        store.kill()
        with pytest.raises(BrokerUnavailable):
            functions.call("count", "key", 1)
        store.start()
        assert functions.call("count", "key", 1) == 2


def test_a_late_reply_is_not_taken_for_the_next_one(store: RunningStore) -> None:
    patient = BlockingFunctions(store.url, library=LIBRARY, seconds=SECONDS)
    impatient = BlockingFunctions(store.url, library=LIBRARY, seconds=SHORT_SECONDS)
    patient.call("count", "other key", 1000)
    impatient.call("count", "key", 1)
    with contextlib.closing(BlockingConnection(parse_store_url(store.url), seconds=SECONDS)) as connection:
        connection.request("CLIENT", "PAUSE", 2 * int(SHORT_SECONDS * 1000))
    with pytest.raises(BrokerUnavailable) as caught:
        impatient.call("count", "other key", 1)
    assert isinstance(caught.value.__cause__, TimeoutError)
    total = patient.call("count", "key", 1)  # waits for the end of the pause
    assert impatient.call("count", "key", 1) == total + 1


def test_user_password_database_and_name_are_those_of_the_url() -> None:
    with RunningStore(password="right") as store:
        url = store.url.removesuffix("/0") + "/3?client_name=chat"
        with contextlib.closing(BlockingConnection(parse_store_url(url), seconds=SECONDS)) as connection:
            info = connection.request("CLIENT", "INFO").decode()
            assert " db=3 " in info
            assert " name=chat " in info
        for wrong in (store.url.replace("right", "wrong"), store.url.replace(":right@", "")):
            with pytest.raises(hiredis.ReplyError, match=r"WRONGPASS|NOAUTH"):
                BlockingConnection(parse_store_url(wrong), seconds=SECONDS)


def test_a_store_that_answers_byte_by_byte_is_bounded_in_time(tmp_path: Path) -> None:
    def trickle(peer: socket.socket) -> None:
        while peer.send(b"+"):
            time.sleep(SHORT_SECONDS / 4)

    with answering(str(tmp_path / "store.sock"), trickle):
        started_at = time.monotonic()
        with pytest.raises(TimeoutError):
            BlockingConnection(parse_store_url(f"unix://{tmp_path}/store.sock"), seconds=SHORT_SECONDS)
        assert time.monotonic() - started_at < SECONDS


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 400 Bad Request\r\n"])
def test_a_call_is_sent_once_if_it_ends_without_a_reply(tmp_path: Path, reply: bytes) -> None:
    calls = []

    def break_after_the_ping(peer: socket.socket) -> None:
        peer.recv(1000)
        peer.sendall(b"+PONG\r\n")
        calls.append(peer.recv(1000))
        peer.sendall(reply)

    with answering(str(tmp_path / "store.sock"), break_after_the_ping):
        functions = BlockingFunctions(f"unix://{tmp_path}/store.sock", library=LIBRARY, seconds=SECONDS)
        with pytest.raises(BrokerUnavailable) as caught:
            functions.call("count", "key", 1)
        assert isinstance(caught.value.__cause__, ConnectionError)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("host", "options", "accepted"),
    [
        ("localhost", "ssl_ca_certs={ca}", True),
        ("127.0.0.1", "ssl_ca_certs={ca}", False),  # not a name of the certificate
        ("localhost", "", False),  # signed by an unknown authority
        ("127.0.0.1", "ssl_cert_reqs=none", True),
    ],
)
def test_tls_verifies_the_certificate(tmp_path: Path, host: str, options: str, accepted: bool) -> None:
    authority = Authority(tmp_path)
    authority.issue(tmp_path, "localhost")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "fullchain.pem", tmp_path / "privkey.pem")

    def answer_once() -> None:
        with contextlib.suppress(OSError):
            peer, _ = listener.accept()
            with context.wrap_socket(peer, server_side=True) as tls:
                tls.recv(1000)
                tls.sendall(b"+PONG\r\n")
                tls.recv(1000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_once)
        thread.start()
        url = f"rediss://{host}:{listener.getsockname()[1]}?{options.format(ca=authority.path)}"
        expected = contextlib.nullcontext() if accepted else pytest.raises(ssl.SSLCertVerificationError)
        with expected, contextlib.closing(BlockingConnection(parse_store_url(url), seconds=SECONDS)) as connection:
            assert connection.is_reusable
        thread.join(SECONDS)
