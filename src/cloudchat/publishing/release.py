"""The objects that a bucket must hold: an immutable release, and a page that refers to it. No I/O.

All files but four are in a directory whose name is the hash of its contents. So a publish never changes the files of a
page that is being loaded: the old page finds the old modules, and the new page, which is uploaded last, finds the new
ones. Caches may keep both forever.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from cloudchat.core.origin import Origin
from cloudchat.page.build import BuiltFile, build_file

_IMMUTABLE = "public, max-age=31536000, immutable"
_REVALIDATE = "no-cache"  # a cache may keep it, but must ask the server each time (RFC 9111 §5.2.2.4)
_PAGE, _CONFIG = "index.html", "config.json"
_MANIFEST, _WORKER = "manifest.webmanifest", "service_worker.js"
_AT_THE_ROOT = (_PAGE, _CONFIG, _MANIFEST, _WORKER)
"""Their addresses have a meaning: a worker serves its own directory, and a manifest's addresses are relative to it."""
_RELEASE = re.compile(r"release-[0-9a-f]{16}")
_POLICY = re.compile(r'(<meta\s+http-equiv="Content-Security-Policy"\s+content=")([^"]*)(")')
_REFERENCE = re.compile(r'\b(href|src)="([^"]*)"')


class PageError(Exception):
    """index.html does not have the expected form. The message says what is missing."""


class Upload(Struct, frozen=True):
    """An object that the bucket must hold. It has one form there: the compressed one, if there is one."""

    path: str
    content: bytes
    content_type: str
    cache_control: str
    content_encoding: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of content and headers. When it differs, the object must be written again."""
        return _sha256((self.content_type, self.cache_control, self.content_encoding), self.content)


class Release(Struct, frozen=True):
    """The objects of a release in the order of their upload: the files that the page needs come before the page."""

    directory: str
    uploads: tuple[Upload, ...]


class BucketContents(Struct, frozen=True):
    """What a bucket holds: all paths, the fingerprints that were stored with some of them, and the text of the page."""

    paths: frozenset[str]
    fingerprints: Mapping[str, str]
    page: str = ""


class PublishPlan(Struct, frozen=True):
    """The changes that make a bucket hold a release. `unchanged` is the number of objects that are already correct."""

    uploads: tuple[Upload, ...]
    unchanged: int
    outdated: tuple[str, ...]


def build_release(files: Mapping[str, BuiltFile], api: Origin | None) -> Release:
    """Return the release of the page's built files.

    `api` is the origin of the server, None if the page's own host serves it. Raises PageError.
    """
    immutable = [_upload(file, path, _IMMUTABLE) for path, file in sorted(files.items()) if path not in _AT_THE_ROOT]
    paths = [upload.path for upload in immutable]
    directory = f"release-{_sha256(part for upload in immutable for part in (upload.path, upload.fingerprint))[:16]}"
    html = _page(files[_PAGE].content.decode(), paths, directory, api)
    config = json.dumps({"api": str(api or ""), "socket": api.websocket if api else ""}) + "\n"
    return Release(
        directory,
        (
            *(replace(one, path=f"{directory}/{one.path}") for one in immutable),
            *_installable_files(files, paths, directory),
            _upload(build_file(_CONFIG, config.encode()), _CONFIG, _REVALIDATE),
            _upload(build_file(_PAGE, html.encode()), _PAGE, _REVALIDATE),
        ),
    )


def mutable_paths(release: Release) -> list[str]:
    """Return the paths whose content differs between releases. Only their fingerprints must be compared."""
    return [upload.path for upload in release.uploads if not _RELEASE.match(upload.path)]


def plan_publish(release: Release, contents: BucketContents, *, delete: bool) -> PublishPlan:
    """Return the objects that are missing or different, and with `delete` the outdated ones.

    Outdated are the releases before the one that is replaced. That one stays until the next publish, for pages that are
    being loaded now. Objects that a publish has not written are never outdated.
    """
    done = {
        upload.path
        for upload in release.uploads
        if (upload.path in contents.paths and upload.path.startswith(f"{release.directory}/"))
        or contents.fingerprints.get(upload.path) == upload.fingerprint
    }
    needed = {release.directory, *_RELEASE.findall(contents.page)}
    directories = {path: path.partition("/")[0] for path in contents.paths if delete}
    return PublishPlan(
        tuple(upload for upload in release.uploads if upload.path not in done),
        len(done),
        tuple(sorted(p for p, name in directories.items() if _RELEASE.fullmatch(name) and name not in needed)),
    )


def _installable_files(files: Mapping[str, BuiltFile], moved: Collection[str], directory: str) -> Iterator[Upload]:
    """Return the service worker, and the manifest with its icons in `directory`."""
    if _WORKER in files:
        yield _upload(files[_WORKER], _WORKER, _REVALIDATE)
    if _MANIFEST in files:
        manifest = json.loads(files[_MANIFEST].content)
        for icon in manifest["icons"]:
            if icon["src"] in moved:
                icon["src"] = f"{directory}/{icon['src']}"
        yield _upload(build_file(_MANIFEST, json.dumps(manifest).encode()), _MANIFEST, _REVALIDATE)


def _page(html: str, files: Collection[str], directory: str, api: Origin | None) -> str:
    """Return the page with its references to `files` pointed to `directory`, and with a policy that allows `api`.

    The page itself carries the Content-Security-Policy, because a bucket cannot set that header.
    """
    if api is not None:
        html = _with_policy(html, api)

    def moved(reference: re.Match[str]) -> str:
        attribute, path = reference.groups()
        return f'{attribute}="{directory}/{path}"' if path in files else reference[0]

    return _REFERENCE.sub(moved, html)


def _with_policy(html: str, api: Origin) -> str:
    policies = _POLICY.findall(html)
    if len(policies) != 1:
        raise PageError(f"index.html has {len(policies)} Content-Security-Policies, it must have exactly one")
    directives = [directive.strip() for directive in policies[0][1].split(";")]
    others = [directive for directive in directives if directive and not directive.startswith("connect-src ")]
    # As narrow as possible: an injected script could reach the one server, and no other host to send secrets to.
    policy = "; ".join([*others, f"connect-src 'self' {api} {api.websocket}"])
    return _POLICY.sub(lambda meta: f"{meta[1]}{policy}{meta[3]}", html)


def _upload(file: BuiltFile, path: str, cache_control: str) -> Upload:
    if file.compressed is None:
        return Upload(path, file.content, file.content_type, cache_control)
    return Upload(path, file.compressed, file.content_type, cache_control, "gzip")


def _sha256(parts: Iterable[str], content: bytes = b"") -> str:
    digest = hashlib.sha256(json.dumps(list(parts)).encode())
    digest.update(content)
    return digest.hexdigest()
