"""settings/*.js: the parts of the settings that need no server."""

CALLS = """
const { createCalls } = await load("settings/calls");
const { Overtaken, SessionEnded } = await load("session");
const { ApiError } = await load("api");
const tokens = [];
let answers = [];
let ended = 0;
const api = { async send(method, path, body, token) {
  tokens.push(token);
  const answer = answers.shift();
  if (answer instanceof Error) throw answer;
  return answer;
} };
const session = { user: { id: "ada" }, token: async () => "old", refresh: async () => "new" };
const call = createCalls({ api, session, onSessionEnded: () => { ended += 1; } });
"""


def test_a_token_that_was_revoked_early_is_renewed_once(modules):
    assert modules(CALLS + 'answers = [new ApiError(401, {}), "yes"]; return [await call("GET", "/x"), tokens];') == [
        "yes",
        ["old", "new"],
    ]


def test_what_one_person_asked_for_is_never_asked_again_in_the_name_of_the_next(modules):
    assert modules(
        CALLS
        + """
        answers = [new ApiError(401, {}), "yes"];
        const asked = call("DELETE", "/x").catch((error) => error instanceof Overtaken);
        session.user = { id: "grace" };
        return [await asked, tokens, ended];
        """
    ) == [True, ["old"], 0]


def test_a_wrong_password_is_no_expired_token(modules):
    assert modules(
        CALLS
        + """
        answers = [new ApiError(401, { field: "password", message: "wrong" }), "yes"];
        return [await call("POST", "/x", {}).catch((error) => error.field), tokens];
        """
    ) == ["password", ["old"]]


def test_the_end_of_the_session_is_told(modules):
    assert modules(
        CALLS
        + """
        session.token = async () => { throw new SessionEnded("over"); };
        const outcome = await call("GET", "/x").catch((error) => error instanceof SessionEnded);
        return [outcome, ended];
        """
    ) == [True, 1]


def test_a_qr_code_is_drawn_module_by_module(modules):
    rows = ["00000", "01110", "00010", "01010", "00000"]
    assert modules(
        """
            const { drawQrCode } = await load("settings/qr_code");
            const svg = drawQrCode(argument, "code");
            document.body.append(svg);
            const path = svg.querySelector("path");
            const dark = (x, y) => path.isPointInFill(new DOMPoint(x + 0.5, y + 0.5)) ? "1" : "0";
            const drawn = argument.map((row, y) => [...row].map((_, x) => dark(x, y)).join(""));
            const ground = svg.querySelector("rect").getAttribute("fill");
            svg.remove();
            return [...drawn, svg.getAttribute("viewBox"), ground];
            """,
        rows,
    ) == [*rows, "0 0 5 5", "#ffffff"]


def test_devices_have_names_that_people_know(modules):
    names = {
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Safari/537.36": (
            "Chrome on Linux"
        ),
        "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130 Safari/537.36 Edg/130": "Edge on Windows",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/604": "Safari on iPhone",
        "python-httpx/0.28": "python-httpx/0.28",
        "": "Unknown device",
    }
    code = 'const { deviceName } = await load("settings/words"); return argument.map(deviceName);'
    assert modules(code, list(names)) == list(names.values())


def test_a_double_click_asks_and_does_not_answer_itself(modules):
    assert modules(
        """
        const { askingButton } = await load("settings/asking_button");
        let done = 0;
        const node = askingButton("End", "Really?", () => { done += 1; });
        document.body.append(node);
        const found = [1, 2, 3, 1].map((detail) => {
          node.dispatchEvent(new MouseEvent("click", { detail }));
          return [done, node.textContent];
        });
        node.remove();
        return found;
        """
    ) == [[0, "Really?"], [0, "Really?"], [0, "Really?"], [1, "End"]]
