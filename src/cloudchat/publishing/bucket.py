"""The bucket itself, and the only module that speaks to AWS. Credentials, region and endpoint are boto3's affair."""

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from cloudchat.publishing.release import Found, Upload

_TARGET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9._/-]*))?")
_PAGE = "index.html"
_MAX_KEYS_A_DELETE = 1000  # S3's DeleteObjects


class BucketError(Exception):
    """The bucket can't be used; the message is one line and names the mend."""


class Bucket:
    """A bucket, or the part of it below a prefix. Every method may raise BucketError."""

    def __init__(self, s3: Any, name: str, prefix: str) -> None:
        self._s3 = s3
        self._name = name
        self._prefix = prefix

    @classmethod
    def open(cls, target: str) -> "Bucket":
        """`s3://bucket` or `s3://bucket/prefix`. Asks nothing yet. Raises BucketError."""
        found = _TARGET.fullmatch(target)
        if found is None:
            raise BucketError(f"{target!r} is no bucket: write s3://bucket or s3://bucket/prefix")
        prefix = (found[2] or "").strip("/")
        return cls(_client("s3"), found[1], f"{prefix}/" if prefix else "")

    def look(self, changing: Iterable[str]) -> Found:
        """All paths, and the fingerprints of those that are `changing`."""
        with self._told_plainly("s3:ListBucket and s3:GetObject"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._name, Prefix=self._prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
            paths = frozenset(key.removeprefix(self._prefix) for key in keys)
            noted = {path: self._fingerprint(path) for path in changing if path in paths}
            page = self._s3.get_object(Bucket=self._name, Key=self._prefix + _PAGE) if _PAGE in paths else None
            return Found(paths, noted, page["Body"].read().decode(errors="replace") if page else "")

    def put(self, upload: Upload) -> None:
        """Write one object, with its headers, in one step: nobody ever reads half of it."""
        with self._told_plainly("s3:PutObject"):
            self._s3.put_object(
                Bucket=self._name,
                Key=self._prefix + upload.path,
                Body=upload.content,
                ContentType=upload.content_type,
                CacheControl=upload.cache_control,
                Metadata={"fingerprint": upload.fingerprint},
            )

    def delete(self, paths: Iterable[str]) -> None:
        """Remove objects; one that is gone already is no mistake."""
        keys = [{"Key": self._prefix + path} for path in paths]
        with self._told_plainly("s3:DeleteObject"):
            for start in range(0, len(keys), _MAX_KEYS_A_DELETE):
                batch = {"Objects": keys[start : start + _MAX_KEYS_A_DELETE], "Quiet": True}
                refused = self._s3.delete_objects(Bucket=self._name, Delete=batch).get("Errors", [])
                if refused:
                    raise BucketError(f"{refused[0]['Key']} was not deleted: {refused[0]['Message']}")

    def invalidate(self, distribution: str, paths: Iterable[str]) -> None:
        """Make CloudFront ask the bucket for these paths again, and for the page by its folder's name."""
        items = [f"/{self._prefix}{path}" for path in [*paths, ""]]
        with self._told_plainly("cloudfront:CreateInvalidation"):
            _client("cloudfront").create_invalidation(
                DistributionId=distribution,
                InvalidationBatch={
                    "Paths": {"Quantity": len(items), "Items": items},
                    "CallerReference": secrets.token_hex(16),
                },
            )

    def _fingerprint(self, path: str) -> str:
        noted = self._s3.head_object(Bucket=self._name, Key=self._prefix + path)["Metadata"].get("fingerprint", "")
        return str(noted)

    @contextmanager
    def _told_plainly(self, permission: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            yield
        except NoCredentialsError as error:
            raise BucketError("no AWS credentials were found: set AWS_PROFILE, or run `aws configure`") from error
        except ClientError as error:
            answer = error.response["Error"]
            code, message = answer.get("Code", ""), " ".join(str(answer.get("Message", "")).split())
            if code in ("NoSuchBucket", "404"):
                raise BucketError(f"there is no bucket {self._name}: make it first, as config/aws does") from error
            if code in ("AccessDenied", "403"):
                raise BucketError(f"AWS refuses it ({message}): these credentials need {permission}") from error
            raise BucketError(f"AWS refuses it: {code} {message}") from error
        except BotoCoreError as error:
            raise BucketError(f"AWS can't be reached or understood: {' '.join(str(error).split())}") from error


def _client(service: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise BucketError("publishing needs boto3; in cloudchat's checkout: pip install '.[aws]'") from error
    patience = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4})
    try:
        return boto3.Session().client(service, config=patience)
    except (BotoCoreError, ValueError) as error:  # an unknown profile, an endpoint that is no URL
        raise BucketError(f"AWS's settings can't be used: {' '.join(str(error).split())}") from error
