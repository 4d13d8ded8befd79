"""What the page says about its connection, and how it comes back, on a scripted and on a real server."""

from collections.abc import Callable

from playwright.sync_api import Route, expect

from browser.chat_page import ChatPage
from browser.scripted_server import FRONTEND, ORIGIN, ScriptedServer
from browser.settings_page import SettingsPage
from support.server import RunningServer

OpenPage = Callable[[], ChatPage]

# A tab that leaves makes the others look for its messages now. They ask for the open tabs only if a message is not
# their own, and the second question comes after the first check has ended.
WAIT_FOR_CHECK = """() => new Promise((resolve) => {
  const channel = new BroadcastChannel("cloudchat.tabs");
  const leaving = setInterval(() => channel.postMessage({ type: "left" }), 50);
  let questions = 0;
  channel.onmessage = ({ data }) => {
    if (data.type === "ask") questions += 1;
    if (questions < 2) return;
    clearInterval(leaving);
    channel.close();
    resolve();
  };
})"""


def test_offline_is_shown_and_the_page_comes_back(server: RunningServer, open_page: OpenPage) -> None:
    ada = open_page()
    ada.register(server.url, "ada")
    ada.page.context.set_offline(True)
    expect(ada.connection).to_contain_text("Offline")
    expect(ada.banner).to_contain_text("offline")
    ada.send("written offline")
    ada.page.context.set_offline(False)
    ada.wait_connected()
    expect(ada.banner).to_be_hidden()
    expect(ada.message("written offline")).to_be_visible()


def test_page_is_back_within_three_seconds_of_a_server_that_was_away_for_long(
    chat: ChatPage, scripted: ScriptedServer
) -> None:
    chat.page.clock.install()
    scripted.http_answers["/api/me"] = (502, {}, {})
    scripted.refuses_sockets = ({}, 1006)
    scripted.close(1006)
    for _ in range(60):
        chat.page.clock.run_for(1_000)
    expect(chat.banner).to_contain_text("cannot be reached")
    scripted.refuses_sockets = None
    chat.page.clock.run_for(3_000)
    expect(chat.connection).to_have_text("Connected")


def test_try_now_does_not_wait_for_the_next_attempt(chat: ChatPage, scripted: ScriptedServer) -> None:
    scripted.broadcast({"type": "drain", "reconnect_after_ms": 600_000})
    scripted.close(1012)
    chat.banner.get_by_role("button", name="Try now").click()
    expect(chat.connection).to_have_text("Connected")
    expect(chat.banner).to_be_hidden()


def test_limit_of_the_address_is_named(server: RunningServer, open_page: OpenPage) -> None:
    server.environment["CLOUDCHAT_SOCKETS_PER_ADDRESS"] = "1"
    server.restart()
    first, second = open_page(), open_page()
    first.register(server.url, "ada")
    second.page.goto(server.url)
    second.page.get_by_role("button", name="Create an account").click()
    second.fill_credentials("grace", "five purple kettles sing")
    second.page.get_by_role("button", name="Create account").click()
    expect(second.banner).to_contain_text("Too many connections are open from this address")
    first.page.close()
    second.wait_connected()


def test_proxy_without_upgrades_is_named(ada: ChatPage, scripted: ScriptedServer) -> None:
    scripted.refuses_sockets = ({}, 1006)
    ada.page.goto(ORIGIN)
    expect(ada.banner).to_contain_text("A proxy in between may not pass WebSocket upgrades")
    scripted.refuses_sockets = None
    ada.wait_connected()
    expect(ada.banner).to_be_hidden()


def test_disabled_account_cannot_write_and_keeps_its_draft(chat: ChatPage, scripted: ScriptedServer) -> None:
    chat.composer.fill("half a thought")
    scripted.close(4403)
    expect(chat.banner).to_contain_text("disabled")
    expect(chat.connection).to_have_text("Disabled")
    expect(chat.page.get_by_role("button", name="Send")).to_be_disabled()
    expect(chat.composer).not_to_be_editable()
    expect(chat.composer).to_have_value("half a thought")
    chat.composer.press("Enter")
    expect(chat.pending).to_have_count(0)


def test_outbox_of_a_closed_tab_is_sent_by_an_open_one(chat: ChatPage, scripted: ScriptedServer) -> None:
    away = {"code": "unavailable", "message": "later", "retryable": True, "retry_after_ms": 600_000}
    other = ChatPage(chat.page.context.new_page())
    other.page.goto(ORIGIN)
    other.wait_connected()
    scripted.send_errors = [away]
    other.send("left behind")
    other.send("and this")
    expect(other.pending).to_have_count(2)
    bystander = chat.page.context.new_page()
    bystander.goto(f"{ORIGIN}/icon.svg")
    bystander.evaluate(WAIT_FOR_CHECK)
    expect(chat.pending).to_have_count(0)  # an open tab keeps its messages
    assert scripted.count_commands("send") == 1
    other.page.close()
    expect(chat.message("and this")).to_be_visible()
    assert chat.texts() == ["one", "left behind", "and this"]
    sends = [command["cid"] for command in scripted.commands if command["type"] == "send"]
    assert len(sends) == 3
    assert len(set(sends)) == 2


def test_tabs_share_one_socket_and_continue_when_its_tab_is_closed(chat: ChatPage, scripted: ScriptedServer) -> None:
    other = ChatPage(chat.page.context.new_page())
    other.page.goto(ORIGIN)
    other.wait_connected()
    expect(other.message("one")).to_be_visible()
    assert len(scripted.sockets) == 1
    other.send("from the second tab")
    expect(chat.message("from the second tab")).to_be_visible()
    chat.send("from the first tab")
    expect(other.message("from the first tab")).to_be_visible()
    chat.page.close()  # the tab that has the socket
    other.wait_connected()
    other.send("and alone")
    expect(other.message("and alone")).to_be_visible()
    assert other.texts() == ["one", "from the second tab", "from the first tab", "and alone"]
    assert scripted.count_commands("send") == 3


def test_failed_message_of_a_closed_tab_can_be_tried_again(chat: ChatPage, scripted: ScriptedServer) -> None:
    other = ChatPage(chat.page.context.new_page())
    other.page.goto(ORIGIN)
    other.wait_connected()
    scripted.send_errors = [{"code": "muted", "message": "you are muted", "retryable": False}]
    other.send("let me speak")
    expect(other.failed).to_have_count(1)
    other.page.close()
    chat.failed.get_by_role("button", name="Try again").click()
    expect(chat.message("let me speak")).to_be_visible()


def test_tab_that_holds_the_refresh_lock_does_not_stop_the_page(ada: ChatPage, scripted: ScriptedServer) -> None:
    other = ada.page.context.new_page()
    other.goto(f"{ORIGIN}/icon.svg")
    other.evaluate("() => { navigator.locks.request('cloudchat.refresh', () => new Promise(() => {})); }")
    ada.page.goto(ORIGIN)
    expect(ada.connection).to_have_text("Connected")
    assert scripted.requests.count("/api/auth/refresh") == 1


def test_database_that_never_opens_does_not_stop_the_page(ada: ChatPage, scripted: ScriptedServer) -> None:
    ada.page.add_init_script("IDBFactory.prototype.open = () => new EventTarget();")
    ada.page.goto(ORIGIN)
    expect(ada.connection).to_have_text("Connected")
    expect(ada.page.locator("#composer-note")).to_contain_text("cannot store unsent messages")
    ada.send("all the same")
    expect(ada.message("all the same")).to_be_visible()


def test_html_in_place_of_an_answer_is_explained(ada: ChatPage, scripted: ScriptedServer) -> None:
    def captive_portal(route: Route) -> None:
        route.fulfill(status=200, content_type="text/html", body="<html>Please accept our terms</html>")

    scripted.signed_in = False
    ada.page.goto(ORIGIN)
    ada.page.route("**/api/auth/login", captive_portal)
    ada.sign_in("ada")
    expect(ada.alert).to_contain_text("answered instead of it")
    ada.page.unroute("**/api/auth/login")
    ada.sign_in("ada")
    ada.wait_connected()
    ada.page.route("**/api/auth/sessions*", captive_portal)
    settings = SettingsPage(ada.page)
    settings.open("Sessions")
    expect(settings.alert).to_contain_text("answered instead of it")
    scripted.http_answers["/api/auth/sessions"] = (200, {"ok": True}, {})
    ada.page.unroute("**/api/auth/sessions*")
    settings.press("Try again")
    expect(settings.alert).to_contain_text("could not use the server")


def test_plain_http_beyond_loopback_is_explained_at_the_sign_in(ada: ChatPage) -> None:
    ScriptedServer(ada.page.context).signed_in = False

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix("http://chat.lan/") or "index.html"
        file = FRONTEND / path
        route.fulfill(path=file) if file.is_file() else route.fulfill(status=404, body="")

    ada.page.context.route("http://chat.lan/**", serve)
    ada.page.goto("http://chat.lan/")
    expect(ada.page.get_by_text("This page is not encrypted (http).")).to_be_visible()
    ada.page.goto(ORIGIN)
    expect(ada.page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(ada.page.get_by_text("This page is not encrypted (http).")).to_be_hidden()


def test_message_is_sent_again_after_an_error_without_an_id(chat: ChatPage, scripted: ScriptedServer) -> None:
    answers = iter([[{"type": "error", "code": "rate_limited", "message": "slow", "retryable": True}]])
    usual = scripted._send
    scripted.command_replies["send"] = lambda command: next(answers, None) or usual(command)
    chat.send("at once")
    expect(chat.message("at once")).to_be_visible()
    assert scripted.count_commands("send") == 2
