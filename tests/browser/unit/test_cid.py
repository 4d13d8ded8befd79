"""cid.js: names for sends, also where the browser offers no randomUUID (plain http in a local network)."""

import re

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_every_name_is_a_new_uuid(modules):
    cids = modules('const { newCid } = await load("cid"); return [newCid(), newCid()];')
    assert all(UUID4.fullmatch(cid) for cid in cids)
    assert len(set(cids)) == 2


def test_without_random_uuid_too(modules):
    cids = modules(
        """
        const { newCid } = await load("cid");
        const source = { getRandomValues: (bytes) => crypto.getRandomValues(bytes) };
        return Array.from({ length: 50 }, () => newCid(source));
        """
    )
    assert all(UUID4.fullmatch(cid) for cid in cids)
    assert len(set(cids)) == 50
