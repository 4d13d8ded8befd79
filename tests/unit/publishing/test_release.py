"""What is uploaded, as what, and in which order; what a second publish still has to do."""

import json
import re

import pytest

from cloudchat.publishing.hosted_page import PageError
from cloudchat.publishing.origin import Origin
from cloudchat.publishing.release import Found, Release, UnknownKindOfFile, changing, plan, steps
from cloudchat.resources import frontend_directory

API = Origin.parse("https://chat.example.com")
PAGE = b"""<!doctype html>
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; connect-src 'self' ws: wss: https:; base-uri 'none'">
<link rel="stylesheet" href="style.css"><a href="https://example.org/style.css">out</a>
<script type="module" src="script.js"></script>
"""
FILES = {
    "index.html": PAGE,
    "config.json": b'{"api": "", "socket": ""}',
    "script.js": b'import "./modules/api.js";',
    "modules/api.js": b"export const one = 1;",
    "style.css": b"body {}",
}


def held_by(release: Release, *more: str) -> Found:
    """A bucket after that publish, with other things in it."""
    page = next(upload.content.decode() for upload in release.uploads if upload.path == "index.html")
    noted = {upload.path: upload.fingerprint for upload in release.uploads if upload.path in changing(release)}
    return Found(frozenset({upload.path for upload in release.uploads} | set(more)), noted, page)


def content(release: Release, path: str) -> str:
    return next(upload.content.decode() for upload in release.uploads if upload.path == path)


def test_the_page_comes_last_and_names_only_what_came_before_it() -> None:
    release = plan(FILES, API)
    paths = [upload.path for upload in release.uploads]
    assert paths[-2:] == ["config.json", "index.html"]
    named = re.findall(r'(?:src|href)="(?!https:)([^"]+)"', content(release, "index.html"))
    assert len(named) == 2
    assert set(named) <= set(paths[:-2])


def test_a_link_to_elsewhere_stays() -> None:
    assert 'href="https://example.org/style.css"' in content(plan(FILES, API), "index.html")


def test_the_real_page_names_nothing_that_is_not_uploaded() -> None:
    folder = frontend_directory()
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    release = plan(files, API)
    named = set(re.findall(r'(?:src|href)="([^"]+)"', content(release, "index.html")))
    assert {name.partition("/")[2] for name in named} >= {"icon.svg", "script.js", "style.css", "styles/chat.css"}
    assert named <= {upload.path for upload in release.uploads}
    # The modules name each other relatively, so they find each other in whatever folder they are.
    scripts = [upload for upload in release.uploads if upload.path.endswith(".js")]
    assert not [one.path for one in scripts if re.search(rb"""from\s+["']/""", one.content)]


def test_the_policy_lets_the_page_talk_to_that_server_alone() -> None:
    policy = re.search(r'content="([^"]+)"', content(plan(FILES, API), "index.html"))
    assert policy is not None
    directives = dict(one.strip().split(" ", 1) for one in policy[1].split(";"))
    assert directives["connect-src"] == "'self' https://chat.example.com wss://chat.example.com"
    assert directives["default-src"] == "'none'"
    assert directives["base-uri"] == "'none'"


def test_the_page_is_told_where_the_server_is() -> None:
    assert json.loads(content(plan(FILES, API), "config.json")) == {
        "api": "https://chat.example.com",
        "socket": "wss://chat.example.com",
    }


def test_without_a_server_the_page_asks_its_own_origin() -> None:
    release = plan(FILES, None)
    assert json.loads(content(release, "config.json")) == {"api": "", "socket": ""}
    assert "connect-src 'self' ws: wss: https:" in content(release, "index.html")


@pytest.mark.parametrize("page", [b"<p>none</p>", PAGE + PAGE])
def test_a_page_whose_policy_is_in_doubt_is_not_published(page: bytes) -> None:
    with pytest.raises(PageError):
        plan({**FILES, "index.html": page}, API)


def test_types_and_caching() -> None:
    by_path = {upload.path: upload for upload in plan(FILES, API).uploads}
    folder = plan(FILES, API).folder
    kinds = {path.removeprefix(f"{folder}/"): one.content_type for path, one in by_path.items()}
    assert kinds == {
        "index.html": "text/html; charset=utf-8",
        "config.json": "application/json",
        "script.js": "text/javascript; charset=utf-8",
        "modules/api.js": "text/javascript; charset=utf-8",
        "style.css": "text/css; charset=utf-8",
    }
    assert by_path["index.html"].cache_control == by_path["config.json"].cache_control == "no-cache"
    assert "immutable" in by_path[f"{folder}/script.js"].cache_control


def test_an_unknown_kind_of_file_is_named() -> None:
    with pytest.raises(UnknownKindOfFile, match=r"sound\.opus"):
        plan({**FILES, "sound.opus": b""}, API)


def test_a_second_publish_has_nothing_to_do() -> None:
    release = plan(FILES, API)
    left = steps(release, held_by(release), delete=True)
    assert (left.uploads, left.outdated, left.unchanged) == ((), (), len(FILES))


def test_a_changed_module_leaves_the_old_release_as_it_was() -> None:
    old = plan(FILES, API)
    new = plan({**FILES, "modules/api.js": b"export const one = 2;"}, API)
    left = steps(new, held_by(old), delete=True)
    written = {upload.path for upload in left.uploads}
    assert not {path for path in written if path.startswith(old.folder)}
    assert {"index.html", f"{new.folder}/modules/api.js", f"{new.folder}/script.js"} <= written
    assert "config.json" not in written
    assert left.outdated == ()  # somebody may just be loading it


def test_another_server_needs_no_new_modules() -> None:
    left = steps(plan(FILES, Origin.parse("https://b.example.com")), held_by(plan(FILES, API)), delete=False)
    assert [upload.path for upload in left.uploads] == ["config.json", "index.html"]


def test_only_releases_before_the_replaced_one_are_removed_and_nothing_else() -> None:
    old, new = plan(FILES, API), plan({**FILES, "style.css": b"body { color: red }"}, API)
    ancient = "release-0123456789abcdef/script.js"
    found = held_by(old, ancient, "robots.txt", "release-notes.txt", "photos/release-0123456789abcdef.png")
    assert steps(new, found, delete=True).outdated == (ancient,)
    assert steps(new, found, delete=False).outdated == ()


def test_an_object_that_somebody_else_wrote_is_replaced() -> None:
    release = plan(FILES, API)
    found = held_by(release)
    foreign = Found(found.paths, {"config.json": "", "index.html": found.fingerprints["index.html"]}, found.page)
    assert [upload.path for upload in steps(release, foreign, delete=False).uploads] == ["config.json"]
