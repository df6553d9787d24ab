"""The migration bucket: exports of the source, and the reports of verify passes."""

from __future__ import annotations

import functools

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct


class MigrationBucket(Construct):
    """A private, encrypted, TLS-only bucket; CleanUp empties it before CloudFormation removes it."""

    def __init__(
        self, scope: Construct, id: str, *, encryption_key: kms.IKey | None, removal_policy: RemovalPolicy
    ) -> None:
        """Create the bucket."""
        super().__init__(scope, id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=_block_all(),
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=s3.BucketEncryption.KMS if encryption_key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=encryption_key,
            bucket_key_enabled=True if encryption_key else None,
            enforce_ssl=True,
            removal_policy=removal_policy,
        )


@functools.cache
def _block_all() -> s3.BlockPublicAccess:
    return s3.BlockPublicAccess.BLOCK_ALL
