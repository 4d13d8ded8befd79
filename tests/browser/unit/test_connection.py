"""connection.js: the socket's life, with a socket that does what the test says."""

import pytest

from browser.unit.fakes import CLOCK

SETUP = (
    CLOCK
    + """
const { Connection } = await load("connection");
const { ReconnectPolicy } = await load("reconnect_policy");
const { SessionEnded } = await load("session");
const sockets = [];
const states = [];
const events = [];
const session = {
  tokens: 0, refreshed: 0, refusal: null,
  async token() { return `old${++this.tokens}`; },
  async refresh() { if (this.refusal) throw this.refusal; return `new${++this.refreshed}`; },
};
const connection = new Connection({
  url: "ws://chat.test/ws", session, clock,
  policy: new ReconnectPolicy({ random: () => 0.5 }),
  openSocket(url, protocols) {
    const socket = { url, protocols, sent: [], closed: false };
    socket.send = (text) => socket.sent.push(JSON.parse(text));
    socket.close = () => { socket.closed = true; };
    socket.says = (frame) => socket.onmessage({ data: JSON.stringify(frame) });
    socket.welcomes = () => socket.says({ type: "welcome", heartbeat_seconds: 25 });
    socket.ends = (code) => socket.onclose({ code });
    sockets.push(socket);
    return socket;
  },
  listener: {
    stateChanged: (state) => states.push(state.name),
    welcomed: () => events.push("welcomed"),
    received: (frame) => events.push(frame.type),
    lost: () => events.push("lost"),
    sessionEnded: () => events.push("session ended"),
  },
});
await connection.start();
const [socket] = sockets;
"""
)


def run(modules, body):
    return modules(SETUP + body)


def test_the_token_goes_as_a_subprotocol_and_never_into_the_url(modules):
    url, protocols = run(modules, "return [socket.url, socket.protocols];")
    assert url == "ws://chat.test/ws"
    assert protocols == ["cloudchat.v1", "cloudchat.token.old1"]


def test_connected_means_welcomed(modules):
    assert run(modules, "const before = [...states]; socket.welcomes(); return [before, states];") == [
        ["connecting"],
        ["connecting", "connected"],
    ]


def test_a_reply_finds_its_command(modules):
    assert run(
        modules,
        """
        socket.welcomes();
        const [a, b] = [connection.request({ type: "ping" }), connection.request({ type: "ping" })];
        const [first, second] = socket.sent.map(({ id }) => id);
        socket.says({ type: "pong", id: second, n: 2 });
        socket.says({ type: "error", id: first, code: "muted", message: "not now", retryable: false });
        return [(await b).n, await a.catch((error) => [error.code, error.message, error.retryable])];
        """,
    ) == [2, ["muted", "Not now.", False]]


def test_a_lost_connection_ends_every_wait_and_is_opened_again(modules):
    waiting, reply, again = run(
        modules,
        """
        socket.welcomes();
        const reply = connection.request({ type: "ping" }).catch((error) => [error.code, error.retryable]);
        socket.ends(1006);
        const waiting = [states.at(-1), sockets.length];
        await pass(500);
        return [waiting, await reply, sockets.length];
        """,
    )
    assert waiting == ["waiting", 1]
    assert reply == ["lost", True]
    assert again == 2


def test_silence_for_two_heartbeats_is_a_lost_connection(modules):
    assert run(
        modules,
        """
        socket.welcomes();
        await pass(49_000);
        socket.says({ type: "head" });
        await pass(49_999);
        const before = socket.closed;
        await pass(1);
        return [before, socket.closed, states.at(-1)];
        """,
    ) == [False, True, "waiting"]


def test_a_server_that_never_says_welcome_is_left(modules):
    assert run(modules, "await pass(15_000); return [socket.closed, states.at(-1)];") == [True, "waiting"]


def test_a_late_word_of_an_abandoned_socket_counts_no_more(modules):
    assert run(
        modules,
        """
        socket.welcomes();
        socket.ends(4408);
        await pass(0);
        sockets[1].welcomes();
        socket.says({ type: "head" });
        socket.ends(4403);
        return [events, states.at(-1)];
        """,
    ) == [["welcomed", "lost", "welcomed"], "connected"]


def test_an_expired_token_is_refreshed_before_coming_back(modules):
    assert (
        run(
            modules,
            "socket.welcomes(); socket.ends(4401); await pass(0); return sockets[1].protocols[1];",
        )
        == "cloudchat.token.new1"
    )


def test_a_refused_refresh_ends_the_session(modules):
    assert run(
        modules,
        """
        session.refusal = new SessionEnded("no");
        socket.ends(4401);
        await pass(60_000);
        return [events, sockets.length];
        """,
    ) == [["session ended"], 1]


def test_an_unreachable_server_during_refresh_is_only_a_delay(modules):
    assert run(
        modules,
        """
        session.refusal = new Error("unreachable");
        socket.ends(4401);
        await pass(10_000);
        session.refusal = null;
        await pass(30_000);
        return [events, sockets[1].protocols[1]];
        """,
    ) == [[], "cloudchat.token.new1"]


def test_a_token_that_runs_out_is_renewed_on_the_open_socket(modules):
    assert run(
        modules,
        """
        socket.welcomes();
        socket.says({ type: "token_expiring", token_expires_at: "…" });
        await settle();
        return [socket.sent.map(({ type, token }) => [type, token]), sockets.length];
        """,
    ) == [[["auth", "new1"]], 1]


def test_a_draining_server_is_left_for_as_long_as_it_said(modules):
    assert run(
        modules,
        """
        socket.welcomes();
        socket.says({ type: "drain", reconnect_after_ms: 7000 });
        socket.ends(1012);
        await pass(6999);
        const before = sockets.length;
        await pass(1);
        return [before, sockets.length];
        """,
    ) == [1, 2]


@pytest.mark.parametrize("code", [1003, 1007, 1009, 4400, 4403, 4409])
def test_a_terminal_code_is_terminal(modules, code):
    found = run(
        modules,
        f"socket.welcomes(); socket.ends({code}); await connection.check(); await pass(600_000);"
        "return [states.at(-1), sockets.length];",
    )
    assert found == ["stopped", 1]


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1012, 4408, 4429, 4503])
def test_every_other_code_comes_back(modules, code):
    found = run(modules, f"socket.welcomes(); socket.ends({code}); await pass(10_000); return sockets.length;")
    assert found >= 2


def test_when_the_network_is_back_waiting_ends(modules):
    assert run(modules, "socket.ends(4503); await connection.check(); return sockets.length;") == 2


def test_a_window_shown_again_tries_whether_the_connection_lives(modules):
    assert run(
        modules,
        """
        socket.welcomes();
        connection.check();
        const asked = socket.sent[0].type;
        await pass(5000);
        return [asked, states.at(-1)];
        """,
    ) == ["ping", "waiting"]


def test_stopped_by_us_means_silence(modules):
    assert run(
        modules,
        """
        socket.welcomes();
        connection.stop();
        socket.ends(1000);
        await pass(600_000);
        return [socket.closed, sockets.length, states.at(-1)];
        """,
    ) == [True, 1, "connected"]


def test_a_renewal_that_outlived_its_connection_reports_nothing(modules):
    assert (
        run(
            modules,
            """
        let refuse;
        session.refresh = () => new Promise((resolve, reject) => { refuse = () => reject(new SessionEnded("no")); });
        socket.welcomes();
        socket.says({ type: "token_expiring", token_expires_at: "…" });
        connection.stop();
        refuse();
        await settle();
        return events.includes("session ended");
        """,
        )
        is False
    )
