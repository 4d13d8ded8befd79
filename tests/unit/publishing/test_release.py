import gzip
import json
import re

import pytest

from cloudchat.core.origin import Origin
from cloudchat.page.build import UnknownFileType, build_file, build_page, read_directory
from cloudchat.publishing.release import (
    BucketContents,
    PageError,
    Release,
    Upload,
    mutable_paths,
    plan_publish,
)
from cloudchat.publishing.release import build_release as build_release_of_built
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


def contents_after(release: Release, *others: str) -> BucketContents:
    """Return the contents of a bucket after a publish of `release`, with `others` beside it."""
    page = content(release, "index.html")
    fingerprints = {
        upload.path: upload.fingerprint for upload in release.uploads if upload.path in mutable_paths(release)
    }
    return BucketContents(frozenset({upload.path for upload in release.uploads} | set(others)), fingerprints, page)


def build_release(files: dict[str, bytes], api: Origin | None) -> Release:
    """Return the release of files that were not built, such as a page with two policies."""
    return build_release_of_built({path: build_file(path, content) for path, content in files.items()}, api)


def text_of(upload: Upload) -> str:
    return (gzip.decompress(upload.content) if upload.content_encoding else upload.content).decode()


def content(release: Release, path: str) -> str:
    return next(text_of(upload) for upload in release.uploads if upload.path == path)


def test_the_page_is_last_and_refers_only_to_earlier_uploads() -> None:
    release = build_release(FILES, API)
    paths = [upload.path for upload in release.uploads]
    assert paths[-2:] == ["config.json", "index.html"]
    named = re.findall(r'(?:src|href)="(?!https:)([^"]+)"', content(release, "index.html"))
    assert len(named) == 2
    assert set(named) <= set(paths[:-2])


def test_a_link_to_another_site_is_not_changed() -> None:
    assert 'href="https://example.org/style.css"' in content(build_release(FILES, API), "index.html")


def test_the_real_page_refers_only_to_uploaded_files() -> None:
    release = build_release_of_built(build_page(read_directory(frontend_directory())), API)
    named = set(re.findall(r'(?:src|href)="([^"]+)"', content(release, "index.html")))
    assert {name.partition("/")[2] for name in named} >= {"icon.svg", "app.js", "script.js", "styles.css"}
    assert {"manifest.webmanifest", "service_worker.js"} <= {upload.path for upload in release.uploads}
    assert {icon["src"] for icon in json.loads(content(release, "manifest.webmanifest"))["icons"]} <= {
        upload.path for upload in release.uploads
    }
    assert named <= {upload.path for upload in release.uploads}
    # The modules import each other by relative paths, so they work in every directory.
    scripts = [upload for upload in release.uploads if upload.path.endswith(".js")]
    assert not [one.path for one in scripts if re.search(r"""from\s+["']/""", text_of(one))]
    # A bucket does not compress.
    assert [one.content_encoding for one in scripts] == ["gzip"] * len(scripts)


def test_the_policy_allows_connections_only_to_the_server() -> None:
    policy = re.search(r'content="([^"]+)"', content(build_release(FILES, API), "index.html"))
    assert policy is not None
    directives = dict(one.strip().split(" ", 1) for one in policy[1].split(";"))
    assert directives["connect-src"] == "'self' https://chat.example.com wss://chat.example.com"
    assert directives["default-src"] == "'none'"
    assert directives["base-uri"] == "'none'"


def test_the_config_names_the_server() -> None:
    assert json.loads(content(build_release(FILES, API), "config.json")) == {
        "api": "https://chat.example.com",
        "socket": "wss://chat.example.com",
    }


def test_without_a_server_the_config_is_empty_and_the_policy_unchanged() -> None:
    release = build_release(FILES, None)
    assert json.loads(content(release, "config.json")) == {"api": "", "socket": ""}
    assert "connect-src 'self' ws: wss: https:" in content(release, "index.html")


@pytest.mark.parametrize("page", [b"<p>none</p>", PAGE + PAGE])
def test_a_page_without_exactly_one_policy_is_rejected(page: bytes) -> None:
    with pytest.raises(PageError):
        build_release({**FILES, "index.html": page}, API)


def test_content_types_and_cache_headers() -> None:
    by_path = {upload.path: upload for upload in build_release(FILES, API).uploads}
    directory = build_release(FILES, API).directory
    kinds = {path.removeprefix(f"{directory}/"): one.content_type for path, one in by_path.items()}
    assert kinds == {
        "index.html": "text/html; charset=utf-8",
        "config.json": "application/json",
        "script.js": "text/javascript; charset=utf-8",
        "modules/api.js": "text/javascript; charset=utf-8",
        "style.css": "text/css; charset=utf-8",
    }
    assert by_path["index.html"].cache_control == by_path["config.json"].cache_control == "no-cache"
    assert "immutable" in by_path[f"{directory}/script.js"].cache_control


def test_an_unknown_file_type_is_named() -> None:
    with pytest.raises(UnknownFileType, match=r"sound\.opus"):
        build_release({**FILES, "sound.opus": b""}, API)


def test_a_second_publish_changes_nothing() -> None:
    release = build_release(FILES, API)
    plan = plan_publish(release, contents_after(release), delete=True)
    assert (plan.uploads, plan.outdated, plan.unchanged) == ((), (), len(FILES))


def test_a_changed_module_makes_a_new_release_and_keeps_the_old_one() -> None:
    old = build_release(FILES, API)
    new = build_release({**FILES, "modules/api.js": b"export const one = 2;"}, API)
    plan = plan_publish(new, contents_after(old), delete=True)
    written = {upload.path for upload in plan.uploads}
    assert not {path for path in written if path.startswith(old.directory)}
    assert {"index.html", f"{new.directory}/modules/api.js", f"{new.directory}/script.js"} <= written
    assert "config.json" not in written
    assert plan.outdated == ()  # a page that refers to it may be loading now


def test_another_server_changes_only_config_and_page() -> None:
    plan = plan_publish(
        build_release(FILES, Origin.parse("https://b.example.com")),
        contents_after(build_release(FILES, API)),
        delete=False,
    )
    assert [upload.path for upload in plan.uploads] == ["config.json", "index.html"]


def test_only_releases_before_the_replaced_one_are_outdated() -> None:
    old, new = build_release(FILES, API), build_release({**FILES, "style.css": b"body { color: red }"}, API)
    ancient = "release-0123456789abcdef/script.js"
    contents = contents_after(old, ancient, "robots.txt", "release-notes.txt", "photos/release-0123456789abcdef.png")
    assert plan_publish(new, contents, delete=True).outdated == (ancient,)
    assert plan_publish(new, contents, delete=False).outdated == ()


def test_an_object_without_a_fingerprint_is_replaced() -> None:
    release = build_release(FILES, API)
    contents = contents_after(release)
    foreign = BucketContents(
        contents.paths, {"config.json": "", "index.html": contents.fingerprints["index.html"]}, contents.page
    )
    assert [upload.path for upload in plan_publish(release, foreign, delete=False).uploads] == ["config.json"]
