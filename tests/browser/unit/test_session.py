"""session.js: one token at a time, and nothing of it where a stranger's script could look."""

import pytest

from browser.unit.fakes import CLOCK

SETUP = (
    CLOCK
    + """
const { Overtaken, Session, SessionEnded } = await load("session");
const { ApiError } = await load("api");
const stored = new Map();
const storage = {
  getItem: (key) => stored.get(key) ?? null,
  setItem: (key, value) => stored.set(key, value),
  removeItem: (key) => stored.delete(key),
};
const calls = [];
const user = { id: "u1", name: "ada", role: "member" };
let answer = () => ({ access_token: `t${calls.length}`, expires_in: 600, user });
const api = {
  async post(path, body, token, timeout) { calls.push(path.split("/").at(-1)); return answer(path, timeout); },
};
const session = new Session({ api, clock, storage, locks: null });
"""
)


def test_a_good_token_is_used_and_an_old_one_renewed(modules):
    assert modules(
        SETUP
        + """
        await session.logIn("ada", "secret");
        const first = await session.token();
        now += 569_000;
        const same = await session.token();
        now += 2_000;
        return [first, same, await session.token(), calls];
        """
    ) == ["t1", "t1", "t2", ["login", "refresh"]]


def test_two_who_ask_at_once_share_one_refresh(modules):
    assert modules(SETUP + "return [await Promise.all([session.restore(), session.restore()]), calls];") == [
        ["t1", "t1"],
        ["refresh"],
    ]


def test_no_token_and_no_password_is_stored(modules):
    assert modules(SETUP + 'await session.logIn("ada", "secret"); return [...stored];') == [
        ["cloudchat.signed_in", "1"]
    ]


def test_a_refusal_ends_the_session_and_trouble_does_not(modules):
    """A 403 without the server's own words comes from something in between, a bucket for example."""
    assert modules(
        SETUP
        + """
        await session.logIn("ada", "secret");
        const kinds = [];
        for (const status of [0, 403, 500, 503, 401]) {
          answer = () => { throw new ApiError(status, status === 401 ? { code: "unauthenticated" } : {}); };
          const ended = (error) => kinds.push([status, error instanceof SessionEnded, stored.size]);
          const over = session.refresh().catch(ended);
          await pass(10_000);
          await over;
        }
        return kinds;
        """
    ) == [[0, False, 1], [403, False, 1], [500, False, 1], [503, False, 1], [401, True, 0]]


@pytest.mark.parametrize("status", [0, 500, 502, 503])
def test_an_answer_that_got_lost_is_asked_for_again_while_the_server_still_gives_it(modules, status):
    assert modules(
        SETUP
        + """
        const usual = answer;
        answer = () => { if (calls.length < 5) throw new ApiError(argument, {}); return usual(); };
        const refreshing = session.restore();
        await pass(8_000);
        return [await refreshing, calls.length];
        """,
        status,
    ) == ["t5", 5]


def test_a_server_that_says_nothing_is_asked_again_in_time_and_then_no_more(modules):
    assert modules(
        SETUP
        + """
        const silence = (ms) => new Promise((resolve) => clock.after(ms, resolve));
        answer = (path, timeout) => silence(timeout).then(() => { throw new ApiError(0, {}); });
        const refreshing = session.restore().catch((error) => error.status);
        await pass(10_000);
        return [await refreshing, calls.length];
        """
    ) == [0, 2]


def test_who_signs_out_while_it_tries_again_stays_signed_out(modules):
    assert modules(
        SETUP
        + """
        const usual = answer;
        answer = () => { throw new ApiError(0, {}); };
        const refreshing = session.restore().catch((error) => error instanceof Overtaken);
        await settle();
        answer = usual;
        await session.logOut();
        await pass(8_000);
        return [await refreshing, calls, session.user];
        """
    ) == [True, ["refresh", "logout"], None]


def test_a_refresh_that_met_another_tabs_waits_for_the_newer_cookie(modules):
    assert modules(
        SETUP
        + """
        const usual = answer;
        answer = () => { if (calls.length < 3) throw new ApiError(409, { retry_after_ms: 500 }); return usual(); };
        const refreshing = session.restore();
        await pass(1000);
        return [await refreshing, calls.length];
        """
    ) == ["t3", 3]


def test_a_refresh_that_was_on_its_way_does_not_undo_a_logout(modules):
    assert modules(
        SETUP
        + """
        let reply;
        const usual = answer;
        const later = new Promise((resolve) => { reply = () => resolve(usual()); });
        answer = (path) => path.endsWith("refresh") ? later : null;
        const refreshing = session.restore().then(() => "signed in", (error) => error instanceof Overtaken);
        await settle();
        await session.logOut();
        reply();
        return [await refreshing, session.user, stored.size];
        """
    ) == [True, None, 0]


def test_who_signs_in_again_at_once_keeps_the_new_cookie(modules):
    """The answer to the sign-out deletes the cookie: it must not come after the sign-in's, which sets it."""
    assert modules(
        SETUP
        + """
        await session.logIn("ada", "secret");
        let reply;
        const usual = answer;
        const later = new Promise((resolve, reject) => { reply = () => reject(new ApiError(0, {})); });
        answer = (path) => path.endsWith("logout") ? later : usual();
        session.logOut().catch(() => {});
        const signingIn = session.logIn("ada", "secret");
        await settle();
        const before = [...calls];
        reply();
        await signingIn;
        return [before, calls, session.user.name];
        """
    ) == [["login", "logout"], ["login", "logout", "login"], "ada"]


def test_the_cookie_of_somebody_else_ends_the_session_and_stays_theirs(modules):
    """Another tab signed out and somebody else in: nothing of this page may go out in that person's name."""
    assert modules(
        SETUP
        + """
        await session.logIn("ada", "secret");
        answer = () => ({ access_token: "theirs", expires_in: 600, user: { id: "u2", name: "grace", role: "member" } });
        const ended = await session.refresh().then(() => false, (error) => error instanceof SessionEnded);
        return [ended, session.user, session.mayBeRestored(), await session.restore(), session.user.name];
        """
    ) == [True, None, True, "theirs", "grace"]


@pytest.mark.parametrize("refused", [True, False])
def test_an_old_refresh_does_nothing_to_the_next_sign_in(modules, refused):
    assert modules(
        SETUP
        + """
        await session.logIn("ada", "secret");
        const usual = answer;
        let reply;
        const later = new Promise((resolve, reject) => {
          const refusal = new ApiError(401, { code: "unauthenticated" });
          reply = () => argument ? reject(refusal) : resolve(usual());
        });
        answer = (path) => path.endsWith("refresh") ? later : usual();
        const old = session.refresh().then(() => "signed in", (error) => error.constructor.name);
        await settle();
        await session.logOut();
        const signingIn = session.logIn("ada", "secret");
        await settle();
        const before = calls.at(-1); // its late cookie would overwrite the new sign-in's
        reply();
        await signingIn;
        return [before, await old, session.user?.name, stored.size, await session.token()];
        """,
        refused,
    ) == ["logout", "Overtaken", "ada", 1, "t4"]


def test_a_refresh_that_waited_for_its_turn_asks_nothing_after_a_sign_out(modules):
    assert modules(
        SETUP
        + """
        let turn;
        const locks = { request: (name, work) => new Promise((resolve) => { turn = resolve; }).then(work) };
        const patient = new Session({ api, clock, storage, locks });
        const waiting = patient.restore().catch((error) => error.constructor.name);
        await patient.logOut();
        turn();
        return [await waiting, calls];
        """
    ) == ["Overtaken", ["logout"]]


def test_nobody_is_signed_in_again_by_a_request_that_outlived_them(modules):
    assert modules(
        SETUP
        + """
        await session.logIn("ada", "secret");
        await session.logOut();
        return [await session.token().catch((error) => error.constructor.name), calls, session.user];
        """
    ) == ["Overtaken", ["login", "logout"], None]
