"""`ChatPage`: the page as a person sees and uses it. Tests speak of messages and buttons, not of selectors."""

from playwright.sync_api import Locator, Page, expect

PASSWORD = "five purple kettles sing"


class ChatPage:
    """One open chat page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.messages = page.get_by_test_id("message")
        self.pending = page.get_by_test_id("pending")
        self.failed = page.get_by_test_id("failed")
        self.gap = page.get_by_test_id("gap")
        self.connection = page.get_by_test_id("connection")
        self.banner = page.get_by_test_id("banner")
        self.box = page.get_by_role("textbox", name="Message")
        self.alert = page.get_by_role("alert")

    def register(self, url: str, name: str, password: str = PASSWORD) -> None:
        """Open the page, create an account and wait until the chat is there."""
        self.page.goto(url)
        self.page.get_by_role("button", name="Create an account").click()
        self.fill_in(name, password)
        self.page.get_by_role("button", name="Create account").click()
        self.is_connected()

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        self.fill_in(name, password)
        self.page.get_by_role("button", name="Sign in").click()

    def fill_in(self, name: str, password: str) -> None:
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)

    def is_connected(self) -> None:
        """Wait until the page says so. Generous: after a kill, the page's own delay may have grown."""
        expect(self.connection).to_have_text("Connected", timeout=45_000)

    def write(self, text: str) -> None:
        """Write a message and press Enter."""
        self.box.fill(text)
        self.box.press("Enter")

    def says(self, text: str) -> Locator:
        """The message with exactly that text."""
        return self.messages.filter(has=self.page.get_by_test_id("text").get_by_text(text, exact=True))

    def texts(self) -> list[str]:
        return self.messages.get_by_test_id("text").all_inner_texts()

    def seqs(self) -> list[int]:
        return [int(seq) for seq in self.messages.evaluate_all("nodes => nodes.map(node => node.dataset.seq)")]

    def scroll_to_top(self) -> None:
        self.page.get_by_role("region", name="Conversation").evaluate("node => { node.scrollTop = 0; }")
