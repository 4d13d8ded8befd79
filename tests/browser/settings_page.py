"""`SettingsPage`: the page object of the settings dialog."""

import time

import pyotp
from playwright.sync_api import Locator, Page, expect

from browser.chat_page import PASSWORD


class SettingsPage:
    """The settings of one page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.dialog = page.get_by_role("dialog", name="Settings")
        self.secrets = self.dialog.get_by_test_id("secret")
        self.alert = self.dialog.get_by_role("alert")

    def open(self, section: str) -> None:
        """Open a section, and the dialog if it is closed."""
        if not self.dialog.is_visible():
            self.page.get_by_role("button", name="Settings").click()
        self.dialog.get_by_role("navigation").get_by_role("button", name=section, exact=True).click()
        expect(self.dialog.get_by_role("heading", name=section, exact=True)).to_be_focused()

    def close(self) -> None:
        """Close the dialog."""
        self.dialog.get_by_role("button", name="Close").click()
        expect(self.dialog).to_be_hidden()

    def fill(self, **fields: str) -> None:
        """Fill in fields by their labels, with underscores for spaces."""
        for label, text in fields.items():
            self.dialog.get_by_label(label.replace("_", " "), exact=True).fill(text)

    def press(self, name: str) -> None:
        """Press a button."""
        self.dialog.get_by_role("button", name=name, exact=True).click()

    def row(self, text: str) -> Locator:
        """Return the table row that contains this text."""
        return self.dialog.get_by_role("row").filter(has_text=text)

    def confirm(self, row: Locator, action: str) -> None:
        """Press a button of a row, and confirm it in the dialog that asks."""
        row.get_by_role("button", name=action, exact=True).click()
        self.page.get_by_role("dialog", name=action).get_by_role("button", name=action).click()

    def user(self, name: str) -> Locator:
        """Return the row of a user in the list of users."""
        return self.dialog.get_by_role("list", name="Users").get_by_role("listitem").filter(has_text=name)

    def act(self, name: str, action: str, *, confirm: bool = True) -> None:
        """Choose an action in the menu of a user, and confirm it if it asks."""
        self.user(name).get_by_role("button", name=f"Actions for {name}").click()
        self.page.get_by_role("menuitem", name=action).or_(self.page.get_by_role("menuitemradio", name=action)).click()
        if confirm:
            self.page.get_by_role("dialog", name=action).get_by_role("button", name=action).click()

    def set_up_second_factor(self, password: str = PASSWORD) -> tuple[pyotp.TOTP, list[str]]:
        """Set up the second factor in its open section. Return the authenticator and the recovery codes."""
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
    """Return the code of the next time step, which the server accepts too. It accepts each code once."""
    return app.at(int(time.time()), counter_offset=1)
