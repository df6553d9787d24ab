"""Sessions of the roles that AWS services assume: states, glue, and lambda for event source mappings."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import sts

from .clients import Clients, root
from .settings import ACCOUNT_ID

_sessions: dict[tuple[str, str, str], Clients] = {}
_lock = threading.Lock()


class CannotAssumeRole(Exception):
    """The role does not exist, or its trust policy does not name the service."""


def role_name(role_arn: str) -> str:
    """The name in a role's ARN, without its path; a bare name is returned as it is."""
    return role_arn.rsplit("/", 1)[-1]


def _trusts(document: Any, service: str) -> bool:
    statements = document["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        named = principal.get("Service", []) if isinstance(principal, dict) else principal
        if statement["Effect"] == "Allow" and (named == "*" or service in _as_list(named)):
            return True
    return False


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_trust(role_arn: str, service: str) -> None:
    try:
        role = root["iam"].get_role(RoleName=role_name(role_arn))["Role"]
    except ClientError as error:
        raise CannotAssumeRole(f"The role {role_arn} does not exist: {error}") from error
    document = role["AssumeRolePolicyDocument"]
    if not _trusts(json.loads(document) if isinstance(document, str) else document, service):
        raise CannotAssumeRole(
            f"{service} is not authorized to perform sts:AssumeRole on {role_arn}: "
            "its trust policy does not name the service."
        )


def assume(role_arn: str, service: str, session_name: str) -> dict[str, str]:
    """Return credentials of a session of the role, as environment variables.

    The session is registered without AssumeRole, so that the role needs no trust beyond the service.
    """
    _check_trust(role_arn, service)
    digest = hashlib.sha256(f"{role_arn} {service} {session_name}".encode()).hexdigest()
    credentials = {
        "AWS_ACCESS_KEY_ID": f"ASIA{digest[:16].upper()}",
        "AWS_SECRET_ACCESS_KEY": digest[16:56],
        "AWS_SESSION_TOKEN": digest,
    }
    sts.register_session(
        credentials["AWS_ACCESS_KEY_ID"],
        {
            "Arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role_name(role_arn)}/{session_name}",
            "UserId": f"{role_name(role_arn)}:{session_name}",
            "SecretAccessKey": credentials["AWS_SECRET_ACCESS_KEY"],
            "SessionToken": credentials["AWS_SESSION_TOKEN"],
        },
    )
    return credentials


def clients_as(role_arn: str, service: str, session_name: str) -> Clients:
    """Clients of a session of the role; made once for each role, service and session name."""
    key = (role_arn, service, session_name)
    with _lock:
        if key not in _sessions:
            _sessions[key] = Clients(assume(role_arn, service, session_name))
        return _sessions[key]
