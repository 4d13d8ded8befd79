"""session.js: one token at a time, and nothing of it where a stranger's script could look."""

from browser.unit.fakes import CLOCK

SETUP = (
    CLOCK
    + """
const { Session, SessionEnded } = await load("session");
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
const api = { async post(path, body, token) { calls.push(path.split("/").at(-1)); return answer(path); } };
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
    assert modules(SETUP + "return [await Promise.all([session.token(), session.refresh()]), calls];") == [
        ["t1", "t1"],
        ["refresh"],
    ]


def test_no_token_and_no_password_is_stored(modules):
    assert modules(SETUP + 'await session.logIn("ada", "secret"); return [...stored];') == [
        ["cloudchat.signed_in", "1"]
    ]


def test_a_refusal_ends_the_session_and_trouble_does_not(modules):
    assert modules(
        SETUP
        + """
        await session.logIn("ada", "secret");
        const kinds = [];
        for (const status of [0, 500, 503, 401]) {
          answer = () => { throw new ApiError(status, {}); };
          await session.refresh().catch((error) => kinds.push([status, error instanceof SessionEnded, stored.size]));
        }
        return kinds;
        """
    ) == [[0, False, 1], [500, False, 1], [503, False, 1], [401, True, 0]]


def test_a_refresh_that_met_another_tabs_waits_for_the_newer_cookie(modules):
    assert modules(
        SETUP
        + """
        const usual = answer;
        answer = () => { if (calls.length < 3) throw new ApiError(409, { retry_after_ms: 500 }); return usual(); };
        const refreshing = session.refresh();
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
        const refreshing = session.refresh().then(() => "signed in", (error) => error instanceof SessionEnded);
        await settle();
        await session.logOut();
        reply();
        return [await refreshing, session.user, stored.size];
        """
    ) == [True, None, 0]
