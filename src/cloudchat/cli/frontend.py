"""`cloudchat frontend publish`: the page from a bucket, the server somewhere else."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cloudchat.cli.errors import CommandError

if TYPE_CHECKING:
    from cloudchat.publishing.bucket import Bucket
    from cloudchat.publishing.origin import Origin
    from cloudchat.publishing.release import Release, Steps

_EPILOG = """\
  cloudchat frontend publish s3://my-page --api https://chat.example.com --page https://www.example.com --dry-run
  cloudchat frontend publish s3://my-page --api https://chat.example.com --distribution E2EXAMPLE --delete

All files go into a folder named by their hash, then config.json, and index.html last: nobody ever sees a page whose
modules are missing or of another version. What is there already is not uploaded again.

A bucket sets no security headers, so index.html itself carries the Content-Security-Policy, with --api as the only
server that the page may talk to. The server must know the page: CLOUDCHAT_ALLOWED_ORIGINS=https://www.example.com.
Page and API must be of one site (www.example.com and chat.example.com, both https): the cookie that keeps people
signed in is SameSite=Strict, and no browser sends it from another site. Elsewhere everybody has to sign in again at
each reload.

Credentials, region and AWS_ENDPOINT_URL are found as the AWS tools find them. Needed are s3:ListBucket, s3:GetObject,
s3:PutObject, with --delete s3:DeleteObject, with --distribution cloudfront:CreateInvalidation.
"""


def register_frontend_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `frontend publish` to the command line."""
    frontend = commands.add_parser(
        "frontend", help="put the page on a host of its own", description="Put the page on a host of its own."
    )
    under = frontend.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parser = under.add_parser(
        "publish",
        help="upload the page to an S3 bucket",
        description="Upload the page to an S3 bucket, to be served by CloudFront or as an S3 website.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("bucket", help="s3://bucket or s3://bucket/prefix")
    parser.add_argument(
        "--api", metavar="ORIGIN", help="the server, as https://chat.example.com (default: the page's own)"
    )
    parser.add_argument("--page", metavar="ORIGIN", help="where people open the page, to check that both are one site")
    parser.add_argument("--dry-run", action="store_true", help="only look at the bucket, and say what would be done")
    parser.add_argument("--delete", action="store_true", help="remove releases older than the one that is replaced")
    parser.add_argument("--distribution", metavar="ID", help="CloudFront distribution to be told of the new page")
    parser.set_defaults(run=publish)


def publish(options: argparse.Namespace) -> int:
    """Make the bucket hold the page; returns the exit code. Raises CommandError."""
    from cloudchat.publishing.bucket import Bucket, BucketError
    from cloudchat.publishing.hosted_page import PageError
    from cloudchat.publishing.origin import NoOrigin, Origin
    from cloudchat.publishing.release import UnknownKindOfFile, changing, plan, steps
    from cloudchat.resources import frontend_directory

    try:
        api = Origin.parse(options.api) if options.api else None
        page = Origin.parse(options.page) if options.page else None
        _warn(api, page)
        release = plan(_files(frontend_directory()), api)
        bucket = Bucket.open(options.bucket)
        left = steps(release, bucket.look(changing(release)), delete=options.delete)
        if options.dry_run:
            _tell("would upload", "would delete", left)
        else:
            _carry_out(bucket, release, left, options.distribution)
            _tell("uploaded", "deleted", left)
    except (BucketError, NoOrigin, PageError, UnknownKindOfFile) as error:
        raise CommandError(str(error)) from error
    return 0


def _files(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _carry_out(bucket: "Bucket", release: "Release", left: "Steps", distribution: str | None) -> None:
    from cloudchat.publishing.release import changing

    for upload in left.uploads:
        bucket.put(upload)
    bucket.delete(left.outdated)
    if distribution and left.uploads:
        bucket.invalidate(distribution, changing(release))


def _tell(upload: str, delete: str, left: "Steps") -> None:
    for one in left.uploads:
        print(f"{upload} {one.path}  ({one.content_type}; {one.cache_control})")
    for path in left.outdated:
        print(f"{delete} {path}")
    print(f"{upload} {len(left.uploads)}, {delete} {len(left.outdated)}, unchanged {left.unchanged}")


def _warn(api: "Origin | None", page: "Origin | None") -> None:
    from cloudchat.cli.errors import warn
    from cloudchat.publishing.origin import surely_other_sites

    if api is None:
        return
    if api.readable_on_the_way:
        warn(f"passwords travel to {api} in the clear, and a page by https may not call it at all: use https")
    if page is None:
        warn("say with --page where people open the page, to learn whether the server's cookie reaches it there")
    elif surely_other_sites(page, api):
        warn(
            f"{page} and {api} are two sites for a browser: the cookie that keeps people signed in is not sent there, "
            "and everybody signs in again at each reload; give both names below one domain, both by https"
        )
