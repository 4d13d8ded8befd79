"""Read and write the bucket. This is the only module that calls AWS; boto3 finds credentials, region and endpoint."""

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from cloudchat.publishing.release import BucketContents, Upload

_URL = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9._/-]*))?")
_PAGE = "index.html"
MAX_KEYS_PER_DELETE = 1000
"""S3's limit of DeleteObjects."""


class BucketError(Exception):
    """The bucket cannot be used. The message is one line and says what to do."""


class Bucket:
    """A bucket, or the part of it below a prefix. Every method may raise BucketError."""

    def __init__(self, s3: Any, name: str, prefix: str) -> None:
        self._s3 = s3
        self._name = name
        self._prefix = prefix

    @classmethod
    def open(cls, url: str) -> "Bucket":
        """Return the bucket of `s3://bucket` or `s3://bucket/prefix`. No request is sent yet. Raises BucketError."""
        found = _URL.fullmatch(url)
        if found is None:
            raise BucketError(f"{url!r} is not a bucket: write s3://bucket or s3://bucket/prefix")
        prefix = (found[2] or "").strip("/")
        return cls(_client("s3"), found[1], f"{prefix}/" if prefix else "")

    def contents(self, fingerprint_paths: Iterable[str]) -> BucketContents:
        """Return all paths, the page, and the fingerprints of the given paths."""
        with self._translated_errors("s3:ListBucket and s3:GetObject"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=self._prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
            paths = frozenset(key.removeprefix(self._prefix) for key in keys)
            fingerprints = {path: self._fingerprint(path) for path in fingerprint_paths if path in paths}
            page = self._s3.get_object(Bucket=self._name, Key=self._prefix + _PAGE) if _PAGE in paths else None
            html = page["Body"].read().decode(errors="replace") if page else ""
            return BucketContents(paths, fingerprints, html)

    def put(self, upload: Upload) -> None:
        """Write one object with its headers. S3 does this atomically: no reader sees a partial object."""
        with self._translated_errors("s3:PutObject"):
            self._s3.put_object(
                Bucket=self._name,
                Key=self._prefix + upload.path,
                Body=upload.content,
                ContentType=upload.content_type,
                CacheControl=upload.cache_control,
                Metadata={"fingerprint": upload.fingerprint},
                **({"ContentEncoding": upload.content_encoding} if upload.content_encoding else {}),
            )

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects. It is not an error if one does not exist."""
        keys = [{"Key": self._prefix + path} for path in paths]
        with self._translated_errors("s3:DeleteObject"):
            for start in range(0, len(keys), MAX_KEYS_PER_DELETE):
                batch = {"Objects": keys[start : start + MAX_KEYS_PER_DELETE], "Quiet": True}
                errors = self._s3.delete_objects(Bucket=self._name, Delete=batch).get("Errors", [])
                if errors:
                    raise BucketError(f"{errors[0]['Key']} was not deleted: {errors[0]['Message']}")

    def invalidate(self, distribution: str, paths: Iterable[str]) -> None:
        """Make CloudFront drop its copies of these paths, and of the page under the directory's own URL."""
        items = [f"/{self._prefix}{path}" for path in [*paths, ""]]
        with self._translated_errors("cloudfront:CreateInvalidation"):
            _client("cloudfront").create_invalidation(
                DistributionId=distribution,
                InvalidationBatch={
                    "Paths": {"Quantity": len(items), "Items": items},
                    "CallerReference": secrets.token_hex(16),
                },
            )

    def _fingerprint(self, path: str) -> str:
        metadata = self._s3.head_object(Bucket=self._name, Key=self._prefix + path)["Metadata"]
        return str(metadata.get("fingerprint", ""))

    @contextmanager
    def _translated_errors(self, permission: str) -> Iterator[None]:
        """Translate boto3's errors to BucketError. `permission` is what the calls in the block need."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            yield
        except NoCredentialsError as error:
            raise BucketError("no AWS credentials were found: set AWS_PROFILE, or run `aws configure`") from error
        except ClientError as error:
            details = error.response["Error"]
            code, message = details.get("Code", ""), " ".join(str(details.get("Message", "")).split())
            if code in ("NoSuchBucket", "404"):
                raise BucketError(f"the bucket {self._name} does not exist: create it, see config/aws") from error
            if code in ("AccessDenied", "403"):
                raise BucketError(f"AWS denied access ({message}): these credentials need {permission}") from error
            raise BucketError(f"AWS reported an error: {code} {message}") from error
        except BotoCoreError as error:
            raise BucketError(
                f"AWS cannot be reached, or its answer is invalid: {' '.join(str(error).split())}"
            ) from error


def _client(service: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise BucketError("boto3 is not installed: in cloudchat's checkout, run pip install '.[aws]'") from error
    config = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4})
    try:
        return boto3.Session().client(service, config=config)
    except (BotoCoreError, ValueError) as error:  # an unknown profile, an endpoint that is not a URL
        raise BucketError(f"the AWS settings cannot be used: {' '.join(str(error).split())}") from error
