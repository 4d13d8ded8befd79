"""`cloudchat frontend`: give the page to another host than the server: an S3 bucket (`publish`), or nginx (`build`)."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cloudchat.cli.errors import CommandError, warn

if TYPE_CHECKING:
    from cloudchat.core.origin import Origin
    from cloudchat.publishing.bucket import Bucket
    from cloudchat.publishing.release import PublishPlan, Release

_EPILOG = """\
  cloudchat frontend publish s3://my-page --api https://chat.example.com --page https://www.example.com --dry-run
  cloudchat frontend publish s3://my-page --api https://chat.example.com --distribution E2EXAMPLE --delete

The files are uploaded into a directory that is named by their hash, then config.json, and index.html last. So a browser
never loads a page whose modules are missing or of another version. Unchanged files are not uploaded again.

A bucket cannot set security headers, so index.html itself has the Content-Security-Policy, with --api as the only
server that the page may connect to. The server must allow the page: CLOUDCHAT_ALLOWED_ORIGINS=https://www.example.com.
Page and API must be on one site (www.example.com and chat.example.com, both https): the session cookie is
SameSite=Strict, so browsers do not send it from another site, and users would have to sign in again at each reload.

Credentials, region and AWS_ENDPOINT_URL are read as in other AWS tools. The permissions s3:ListBucket, s3:GetObject
and s3:PutObject are required, s3:DeleteObject for --delete, cloudfront:CreateInvalidation for --distribution.
"""


def register_frontend_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `frontend publish` to the parser."""
    frontend = commands.add_parser(
        "frontend", help="publish the page on another host", description="Publish the page on another host."
    )
    under = frontend.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _register_build(under)
    parser = under.add_parser(
        "publish",
        help="upload the page to an S3 bucket",
        description="Upload the page to an S3 bucket that CloudFront or an S3 website serves.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bucket", help="s3://bucket or s3://bucket/prefix")
    parser.add_argument(
        "--api", metavar="ORIGIN", help="the server, such as https://chat.example.com (default: the page's own origin)"
    )
    parser.add_argument(
        "--page", metavar="ORIGIN", help="the address of the page, to check that page and server are on one site"
    )
    parser.add_argument("--dry-run", action="store_true", help="only read the bucket, and print what would change")
    parser.add_argument("--delete", action="store_true", help="delete the releases before the one that is replaced")
    parser.add_argument(
        "--distribution", metavar="ID", help="CloudFront distribution whose cache of the page to invalidate"
    )
    parser.set_defaults(run=publish)


def _register_build(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "build",
        help="write the page's files, as the server sends them, into a directory",
        description="Write the page's files, as the server sends them, into a new directory, for a web server that "
        "delivers them. Each file that is worth it is also there compressed, with the suffix .gz.",
        allow_abbrev=False,
    )
    parser.add_argument("directory", type=Path, help="it must not exist yet")
    parser.set_defaults(run=build)


def build(options: argparse.Namespace) -> int:
    """Write the files. Return the exit code. Raises CommandError."""
    from cloudchat.page.build import build_page, read_directory, write_directory
    from cloudchat.resources import frontend_directory

    directory: Path = options.directory
    if directory.exists():
        raise CommandError(f"{directory} exists: name a new directory")
    try:
        write_directory(build_page(read_directory(frontend_directory())), directory)
    except OSError as error:
        raise CommandError(f"{directory} cannot be written: {error.strerror}") from error
    return 0


def publish(options: argparse.Namespace) -> int:
    """Upload the files that the bucket does not have. Return the exit code. Raises CommandError."""
    from cloudchat.core.origin import InvalidOrigin
    from cloudchat.page.build import build_page, read_directory
    from cloudchat.publishing.bucket import Bucket, BucketError
    from cloudchat.publishing.origin import parse_published_origin
    from cloudchat.publishing.release import PageError, build_release, mutable_paths, plan_publish
    from cloudchat.resources import frontend_directory

    try:
        api = parse_published_origin(options.api) if options.api else None
        page = parse_published_origin(options.page) if options.page else None
        _warn_about_sites(api, page)
        release = build_release(build_page(read_directory(frontend_directory())), api)
        bucket = Bucket.open(options.bucket)
        remaining = plan_publish(release, bucket.contents(mutable_paths(release)), delete=options.delete)
        if options.dry_run:
            _print_plan("would upload", "would delete", remaining)
        else:
            _execute(bucket, release, remaining, options.distribution)
            _print_plan("uploaded", "deleted", remaining)
    except (BucketError, InvalidOrigin, PageError) as error:
        raise CommandError(str(error)) from error
    return 0


def _execute(bucket: "Bucket", release: "Release", remaining: "PublishPlan", distribution: str | None) -> None:
    from cloudchat.publishing.release import mutable_paths

    for upload in remaining.uploads:
        bucket.put(upload)
    bucket.delete(remaining.outdated)
    if distribution and remaining.uploads:
        bucket.invalidate(distribution, mutable_paths(release))


def _print_plan(uploaded: str, deleted: str, remaining: "PublishPlan") -> None:
    for upload in remaining.uploads:
        print(f"{uploaded} {upload.path}  ({upload.content_type}; {upload.cache_control})")
    for path in remaining.outdated:
        print(f"{deleted} {path}")
    print(f"{uploaded} {len(remaining.uploads)}, {deleted} {len(remaining.outdated)}, unchanged {remaining.unchanged}")


def _warn_about_sites(api: "Origin | None", page: "Origin | None") -> None:
    from cloudchat.publishing.origin import is_cross_site

    if api is None:
        return
    if api.is_unencrypted:
        warn(f"passwords are sent to {api} unencrypted, and a page on https cannot connect to it: use https")
    if page is None:
        warn("give the address of the page with --page, to check that the server's cookie works there")
    elif is_cross_site(page, api):
        warn(
            f"{page} and {api} are different sites, so browsers do not send the session cookie, and users must sign in "
            "again at each reload: use https names below one domain for both"
        )
