"""A restore or a failover begins a new epoch, in which the log keeps events of earlier epochs: the page shows them."""

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import WebSocket, expect

from browser.chat_page import PASSWORD, ChatPage, wait_for
from browser.scripted_server import ORIGIN, Frame, ScriptedServer
from support.accounts import login
from support.commands import admin, done
from support.server import RunningServer
from support.socket import ChatSocket

GRACE = {"id": "u-grace", "name": "grace"}


def test_restored_history_is_shown_with_one_join(
    server: RunningServer, open_page: Callable[[], ChatPage], tmp_path: Path
) -> None:
    ada = open_page()
    joins: list[str] = []

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", lambda text: joins.append(str(text)) if json.loads(text)["type"] == "join" else None)

    ada.page.on("websocket", watch)
    ada.register(server.url, "ada")
    for text in ("one", "two", "three"):
        ada.send(text)
        expect(ada.message(text)).to_be_visible()
    done(admin(server.state_dir, "backup", tmp_path / "backup.tar"))
    ada.send("lost")
    expect(ada.message("lost")).to_be_visible()
    server.kill()
    server.state_dir = tmp_path / "restored"
    done(admin(server.state_dir, "restore", tmp_path / "backup.tar"))
    server.start()

    # A restore ends all sessions.
    expect(ada.page.get_by_text("You were signed out.")).to_be_visible()
    joins.clear()
    ada.sign_in("ada")
    expect(ada.message("three")).to_be_visible()
    with ChatSocket(server.ws_url, login(server.url, "ada", PASSWORD).access_token) as socket:
        socket.send("after the restore")
    expect(ada.message("after the restore")).to_be_visible()
    ada.send("and on")  # if the event had caused a join, it would have been sent before this
    expect(ada.message("and on")).to_be_visible()
    assert ada.texts() == ["one", "two", "three", "after the restore", "and on"]
    assert len(joins) == 1
    ada.page.reload()
    wait_for(ada.page, lambda: len(joins) == 2)  # what the browser keeps is shown before
    ada.wait_connected()
    ada.send("after the reload")
    expect(ada.message("after the reload")).to_be_visible()
    assert ada.texts() == ["one", "two", "three", "after the restore", "and on", "after the reload"]
    assert len(joins) == 2
    expect(ada.gap).to_have_count(0)


def test_failover_that_lost_events_is_one_gap_and_one_join(ada: ChatPage, scripted: ScriptedServer) -> None:
    for number in range(1, 61):
        scripted.append("message", text=f"m{number}", cid=f"x{number}", user=GRACE)
    ada.page.goto(ORIGIN)
    expect(ada.message("m60")).to_be_visible()
    scripted.lose_events(10)
    scripted.add_message("after the failover")
    expect(ada.message("after the failover")).to_be_visible()
    expect(ada.gap).to_have_count(1)
    assert scripted.count_commands("join") == 2
    # The replay begins at m2, before the first message that was shown. Older ones can still be loaded.
    ada.scroll_back_to(ada.message("m1"))
    assert ada.texts() == [*(f"m{number}" for number in range(1, 61)), "after the failover"]
    ada.send("and on")
    expect(ada.message("and on")).to_be_visible()
    assert scripted.count_commands("join") == 2


def reconnect(ada: ChatPage, scripted: ScriptedServer) -> None:
    """Close the sockets, and wait until the page has joined again."""
    joins = scripted.count_commands("join")
    scripted.close(1006)
    wait_for(ada.page, lambda: scripted.count_commands("join") > joins)
    ada.wait_connected()


def test_reconnect_after_a_lost_end_of_the_log_shows_nothing_twice(ada: ChatPage, scripted: ScriptedServer) -> None:
    for number in range(1, 6):
        scripted.append("message", text=f"m{number}", cid=f"x{number}", user=GRACE)
    ada.page.goto(ORIGIN)
    expect(ada.message("m5")).to_be_visible()
    for lost in (2, 1):
        scripted.lose_events(lost)
        reconnect(ada, scripted)
        expect(ada.gap).to_have_count(1)
    scripted.add_message("on")
    expect(ada.message("on")).to_be_visible()
    assert ada.texts() == ["m1", "m2", "m3", "m4", "m5", "on"]
    assert scripted.count_commands("join") == 3


def test_events_that_stay_missing_do_not_make_the_page_flood_the_server(
    ada: ChatPage, scripted: ScriptedServer
) -> None:
    for number in range(1, 4):
        scripted.append("message", text=f"m{number}", cid=f"x{number}", user=GRACE)
    ada.page.clock.install()
    ada.page.goto(ORIGIN)
    expect(ada.message("m3")).to_be_visible()
    hole = {**scripted.log[2], "seq": 9}

    def join(command: Frame) -> list[Frame]:
        joined = {"type": "joined", "id": command["id"], "room": "lobby", "epoch": "e1", "seq": 9, "oldest": 1}
        return [{**joined, "status": "recovered"}, hole]

    scripted.command_replies["join"] = join
    scripted.broadcast(hole)
    for _ in range(45):
        ada.page.clock.run_for(1_000)
    assert 2 < scripted.count_commands("join") < 20
