"""outbox_storage.js: whose words are deleted, and that another tab's deleting is no end."""

SETUP = """
const { openOutboxStorage } = await load("outbox_storage");
const item = (owner, text) => ({ cid: `${owner} ${text}`, owner, text });
const texts = async (storage, owner) => (await storage.all(owner)).map(({ text }) => text);
const databases = async () => (await indexedDB.databases()).length;
const storage = await openOutboxStorage();
"""


def test_signing_out_deletes_what_one_wrote_and_leaves_what_others_did(modules):
    assert modules(
        SETUP
        + """
        await storage.put(item("ada", "a"));
        await storage.put(item("grace", "b"));
        await storage.clear("ada");
        const left = [await texts(storage, "ada"), await texts(storage, "grace"), await databases()];
        await storage.clear("grace");
        return [...left, await databases()];
        """
    ) == [[], ["b"], 1, 0]


def test_a_tab_goes_on_when_another_one_deleted_everything(modules):
    assert modules(
        SETUP
        + """
        const other = await openOutboxStorage();
        await storage.put(item("ada", "a"));
        await other.clear("ada");
        await storage.put(item("ada", "b"));
        const found = await texts(storage, "ada");
        await storage.clear("ada");
        return found;
        """
    ) == ["b"]
