"""`cloudchat frontend publish` into an emulated bucket, and the page that a browser opens from there."""

import json
import re
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from browser.chat_page import PASSWORD, ChatPage
from browser.conftest import browser, open_page  # noqa: F401 (fixtures)
from cloudchat.cli.main import main
from support.aws import REGION, EmulatedAws
from support.server import CLOUDCHAT, RunningServer, environment_of

API = "https://chat.example.com"
PAGE = "https://www.example.com"
ANY_BUCKET = "s3://a-bucket"
PUBLISH = ("frontend", "publish")

Publish = Callable[..., None]


@dataclass
class Bucket:
    """An S3 bucket that is empty at first."""

    aws: EmulatedAws
    s3: Any
    name: str
    url: str

    @property
    def target(self) -> str:
        return f"s3://{self.name}"

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=content)

    def object_keys(self) -> set[str]:
        return {item["Key"] for item in self.s3.list_objects_v2(Bucket=self.name).get("Contents", ())}

    def writes(self) -> list[str]:
        """Return the written keys in the order in which S3's log has them."""
        return re.findall(rf'"PUT /{self.name}/(\S+) HTTP', self.aws.log)

    def make_public(self) -> None:
        """Allow everyone to read, like config/aws/cloudchat.yaml with FrontendHosting=website."""
        objects = f"arn:aws:s3:::{self.name}/*"
        everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": objects}
        policy = {"Version": "2012-10-17", "Statement": [everybody]}
        self.s3.put_bucket_policy(Bucket=self.name, Policy=json.dumps(policy))


@pytest.fixture
def bucket(aws: EmulatedAws) -> Bucket:
    s3, name = aws.client("s3"), f"page-{secrets.token_hex(4)}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return Bucket(aws, s3, name, f"{aws.url}/{name}")


@pytest.fixture
def publish(aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """Run the command in this process, which is several times faster than a new one. It must succeed."""
    for name, value in aws.environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> None:
        assert main([*PUBLISH, *arguments]) == 0

    return run


def publish_by_command(aws: EmulatedAws, *arguments: str) -> None:
    subprocess.run(
        [CLOUDCHAT, *PUBLISH, *arguments],
        env={**environment_of(Path("/nonexistent")), **aws.environment},
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )


def test_objects_have_content_type_and_cache_headers(aws: EmulatedAws, bucket: Bucket, publish: Publish) -> None:
    publish(bucket.target, "--api", API)
    bucket.make_public()
    with httpx.Client(base_url=f"{bucket.url}/", verify=False) as http:
        responses = {key: http.get(key) for key in bucket.object_keys()}
    page, config = responses.pop("index.html"), responses.pop("config.json")
    worker, manifest = responses.pop("service_worker.js"), responses.pop("manifest.webmanifest")
    assert worker.headers["content-type"] == "text/javascript; charset=utf-8"
    assert manifest.headers["content-type"] == "application/manifest+json"
    assert worker.headers["cache-control"] == manifest.headers["cache-control"] == "no-cache"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert config.headers["content-type"] == "application/json"
    assert page.headers["cache-control"] == config.headers["cache-control"] == "no-cache"
    assert config.json() == {"api": API, "socket": "wss://chat.example.com"}
    types = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
    types[".png"] = "image/png"
    for key, response in responses.items():
        assert response.headers["content-type"] == types[Path(key).suffix]
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_dry_run_writes_nothing(bucket: Bucket, publish: Publish) -> None:
    publish(bucket.target, "--api", API, "--dry-run", "--delete", "--distribution", "E2NONE")
    assert bucket.writes() == []


def test_index_is_written_last_and_a_second_publish_writes_nothing(bucket: Bucket, publish: Publish) -> None:
    publish(bucket.target, "--api", API)
    first = bucket.writes()
    assert first[-2:] == ["config.json", "index.html"]
    assert len(first) == len(set(first)) > 10
    publish(bucket.target, "--api", API)
    assert bucket.writes() == first
    publish(bucket.target, "--api", "https://other.example.com")
    assert bucket.writes()[len(first) :] == ["config.json", "index.html"]


def test_publish_below_a_prefix_changes_nothing_else(bucket: Bucket, publish: Publish) -> None:
    bucket.put("index.html", b"another page")
    bucket.put("chat/release-0000000000000000/script.js", b"an old release")
    bucket.put("chat/robots.txt", b"by hand")
    publish(f"{bucket.target}/chat/", "--api", API, "--delete")
    assert {"index.html", "chat/index.html", "chat/robots.txt"} <= bucket.object_keys()
    assert "chat/release-0000000000000000/script.js" not in bucket.object_keys()
    assert bucket.writes().count("index.html") == 1


def test_cloudfront_invalidates_only_changed_objects(aws: EmulatedAws, bucket: Bucket, publish: Publish) -> None:
    cloudfront = aws.client("cloudfront")
    origin = {
        "Id": "s3",
        "DomainName": f"{bucket.name}.s3.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    distribution = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": "one",
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {"TargetOriginId": "s3", "ViewerProtocolPolicy": "https-only"},
        }
    )["Distribution"]["Id"]
    for _ in range(2):
        publish(bucket.target, "--api", API, "--distribution", distribution)
    (invalidation,) = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"]["Items"]
    details = cloudfront.get_invalidation(DistributionId=distribution, Id=invalidation["Id"])["Invalidation"]
    unversioned = {"/", "/index.html", "/config.json", "/manifest.webmanifest", "/service_worker.js"}
    assert set(details["InvalidationBatch"]["Paths"]["Items"]) == unversioned


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        (("s3://no-such-bucket-here",), {}, "no-such-bucket-here"),
        (("https://bucket",), {}, "s3://bucket"),
        ((ANY_BUCKET, "--api", "chat.example.com"), {}, "https://chat.example.com"),
        ((ANY_BUCKET,), {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "127.0.0.1:9"),
        ((ANY_BUCKET,), {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "AWS_PROFILE"),
        ((ANY_BUCKET,), {"AWS_PROFILE": "nobody"}, "nobody"),
    ],
)
def test_error_is_one_line_that_says_how_to_fix_it(
    bucket: Bucket,
    publish: Publish,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    environment: dict[str, str],
    expected: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main([*PUBLISH, *arguments]) == 1
    (line,) = error_lines(capfd, warnings=False)
    assert expected in line


def test_error_without_boto3_names_the_extra_to_install(
    bucket: Bucket, publish: Publish, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)  # as if it were not installed
    assert main([*PUBLISH, bucket.target]) == 1
    (line,) = error_lines(capfd, warnings=False)
    assert "pip install '.[aws]'" in line


def error_lines(capfd: pytest.CaptureFixture[str], *, warnings: bool) -> list[str]:
    lines = capfd.readouterr().err.splitlines()
    return [line for line in lines if line.startswith("cloudchat: warning:") is warnings]


@pytest.mark.parametrize(
    ("page", "warnings"), [(PAGE, 0), ("https://d111.cloudfront.net", 1), ("http://www.example.com", 1)]
)
def test_warning_if_the_page_is_on_another_site_than_the_cookie(
    bucket: Bucket, publish: Publish, capfd: pytest.CaptureFixture[str], page: str, warnings: int
) -> None:
    publish(bucket.target, "--dry-run", "--api", API, "--page", page)
    assert len(error_lines(capfd, warnings=True)) == warnings


def test_page_in_the_bucket_chats_and_stays_signed_in_after_a_reload(
    aws: EmulatedAws,
    bucket: Bucket,
    open_page: Callable[[], ChatPage],  # noqa: F811
) -> None:
    with RunningServer(environment={"CLOUDCHAT_ALLOWED_ORIGINS": aws.url}) as server:
        publish_by_command(aws, f"{bucket.target}/chat", "--api", server.url, "--page", aws.url)
        bucket.make_public()
        page_url = f"{bucket.url}/chat/index.html"
        ada, grace = open_page(), open_page()
        urls: list[str] = []
        ada.page.on("request", lambda request: urls.append(request.url))
        ada.register(page_url, "ada")
        grace.register(page_url, "grace")
        ada.send("Hello from the bucket")
        expect(grace.message("Hello from the bucket")).to_be_visible()
        grace.send("I hear you")
        expect(ada.message("I hear you")).to_be_visible()

        ada.page.reload()  # only the cookie of the server, another origin, identifies ada now
        ada.wait_connected()
        expect(ada.message("I hear you")).to_be_visible()
        assert {url.split("/")[2] for url in urls} == {aws.url.split("/")[2], server.url.split("/")[2]}


def test_policy_of_the_page_in_the_bucket_blocks_other_hosts(
    bucket: Bucket,
    publish: Publish,
    browser: Browser,  # noqa: F811
) -> None:
    publish(bucket.target, "--api", API)
    bucket.make_public()
    page = browser.new_page()
    page.goto(f"{bucket.url}/index.html")
    blocked = page.evaluate(
        """async () => {
          const blocked = [];
          addEventListener("securitypolicyviolation", (event) => blocked.push(event.blockedURI));
          for (const url of ["https://evil.example/steal", "https://chat.example.com.evil.example/steal"]) {
            await fetch(url).catch(() => {});
          }
          try { new WebSocket("wss://evil.example/steal"); } catch {}
          return new Promise((resolve) => setTimeout(() => resolve(blocked)));
        }"""
    )
    page.close()
    assert len(blocked) == 3


def test_page_of_an_origin_that_is_not_allowed_cannot_sign_in(
    aws: EmulatedAws,
    bucket: Bucket,
    publish: Publish,
    server: RunningServer,
    open_page: Callable[[], ChatPage],  # noqa: F811
) -> None:
    publish(bucket.target, "--api", server.url)
    bucket.make_public()
    stranger = open_page()
    stranger.page.goto(f"{bucket.url}/index.html")
    with stranger.page.expect_event("requestfailed"):  # the CORS preflight, which a page cannot observe
        stranger.sign_in("ada", PASSWORD)
    expect(stranger.alert.filter(visible=True)).to_have_count(1)
