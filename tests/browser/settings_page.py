"""`SettingsPage`: the settings above the chat, as a person uses them."""

import time

import pyotp
from playwright.sync_api import Locator, Page, expect

from browser.chat_page import PASSWORD


class SettingsPage:
    """The dialog of one page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.dialog = page.get_by_role("dialog", name="Settings")
        self.secrets = self.dialog.get_by_test_id("secret")
        self.alert = self.dialog.get_by_role("alert")

    def open(self, section: str) -> None:
        if not self.dialog.is_visible():
            self.page.get_by_role("button", name="Settings").click()
        self.dialog.get_by_role("navigation").get_by_role("button", name=section, exact=True).click()
        expect(self.dialog.get_by_role("heading", name=section, exact=True)).to_be_focused()

    def close(self) -> None:
        self.dialog.get_by_role("button", name="Close").click()
        expect(self.dialog).to_be_hidden()

    def fill(self, **fields: str) -> None:
        """Fill fields in, by their label in words_with_underscores."""
        for label, text in fields.items():
            self.dialog.get_by_label(label.replace("_", " "), exact=True).fill(text)

    def press(self, name: str) -> None:
        self.dialog.get_by_role("button", name=name, exact=True).click()

    def row(self, text: str) -> Locator:
        """The row of a list with that text in it."""
        return self.dialog.get_by_role("row").filter(has_text=text)

    def do(self, row: Locator, action: str, question: str) -> None:
        """Press a row's button, and once more when it asks back."""
        row.get_by_role("button", name=action, exact=True).click()
        row.get_by_role("button", name=question).click()

    def set_up_second_factor(self, password: str = PASSWORD) -> tuple[pyotp.TOTP, list[str]]:
        """From the open section. Returns the app and the recovery codes."""
        self.fill(Your_password=password)
        self.press("Set up")
        app = pyotp.TOTP(self.dialog.get_by_test_id("totp-secret").inner_text().replace(" ", ""))
        expect(self.dialog.get_by_role("img", name="QR code")).to_be_visible()
        self.fill(Code=app.now())
        self.press("Confirm")
        expect(self.secrets).to_have_count(10)
        codes = self.secrets.all_inner_texts()
        self.press("I have saved them")
        return app, codes


def next_code(app: pyotp.TOTP) -> str:
    """A code that the server, which takes each once, did not see yet: a phone's clock may be a step ahead."""
    return app.at(int(time.time()), counter_offset=1)
