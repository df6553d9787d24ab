"""The smaller services in memory: Glue's runs, executions, parameters and objects."""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from typing import Any

from tests.fakes.client_errors import FakeClient, Paginator, client_error


class FakeGlue(FakeClient):
    """Runs of jobs, newest last; a stop takes effect when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: dict[str, list[dict[str, str]]] = {}

    def start_job_run(self, **request: Any) -> dict[str, str]:
        self.called("StartJobRun", request)
        runs = self.runs.setdefault(request["JobName"], [])
        runs.append({"Id": f"run-{len(runs)}", "JobRunState": "RUNNING"})
        return {"JobRunId": runs[-1]["Id"]}

    def batch_stop_job_run(self, **request: Any) -> None:
        self.called("BatchStopJobRun", request)
        for run in self.runs[request["JobName"]]:
            if run["Id"] in request["JobRunIds"]:
                run["JobRunState"] = "STOPPING"

    def get_paginator(self, operation: str) -> Paginator:
        assert operation == "get_job_runs"
        return Paginator(self._pages)

    def _pages(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        self.called("GetJobRuns", request)
        return [{"JobRuns": [dict(run)]} for run in self.runs.get(request["JobName"], [])] or [{"JobRuns": []}]


class FakeIam(FakeClient):
    """The policy simulator: `denied` holds what each role may not do, (role, action).

    `details` is what it says beside each decision, `refusal` the error that it answers with instead.
    """

    def __init__(self) -> None:
        super().__init__()
        self.denied: dict[tuple[str, str], str] = {}
        self.details: dict[str, Any] = {}
        self.refusal: str | None = None

    def simulate_principal_policy(self, **request: Any) -> dict[str, Any]:
        self.called("SimulatePrincipalPolicy", request)
        if self.refusal is not None:
            raise client_error("SimulatePrincipalPolicy", self.refusal, "not authorized to perform: iam:Simulate...")
        role = request["PolicySourceArn"]
        decided = {action: self.denied.get((role, action), "allowed") for action in request["ActionNames"]}
        found = [{"EvalActionName": name, "EvalDecision": decided[name], **self.details} for name in decided]
        return {"EvaluationResults": found}


class FakeStates(FakeClient):
    """Executions by ARN with their status."""

    def __init__(self) -> None:
        super().__init__()
        self.status: dict[str, str] = {}

    def describe_execution(self, **request: Any) -> dict[str, str]:
        self.called("DescribeExecution", request)
        if request["executionArn"] not in self.status:
            raise client_error("DescribeExecution", "ExecutionDoesNotExist", "Execution Does Not Exist")
        return {"status": self.status[request["executionArn"]]}

    def stop_execution(self, **request: Any) -> None:
        self.called("StopExecution", request)
        self.status[request["executionArn"]] = "ABORTED"


class FakeSsm(FakeClient):
    """Parameters by name."""

    def __init__(self) -> None:
        super().__init__()
        self.parameters: dict[str, str] = {}

    def put_parameter(self, **request: Any) -> None:
        self.called("PutParameter", request)
        if request["Name"] in self.parameters and not request.get("Overwrite"):
            raise client_error("PutParameter", "ParameterAlreadyExists", "The parameter already exists")
        self.parameters[request["Name"]] = request["Value"]

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        return {"Parameter": {"Value": self.parameters[self._existing("GetParameter", request)]}}

    def delete_parameter(self, **request: Any) -> None:
        del self.parameters[self._existing("DeleteParameter", request)]

    def _existing(self, operation: str, request: Mapping[str, Any]) -> str:
        self.called(operation, request)
        if request["Name"] not in self.parameters:
            raise client_error(operation, "ParameterNotFound")
        return str(request["Name"])


class _Body(io.BytesIO):
    def iter_chunks(self, size: int) -> Any:
        return iter(lambda: self.read(size), b"")


class FakeS3(FakeClient):
    """Objects by bucket and key, of one version each; `undeletable` keys fail one by one when they are deleted."""

    def __init__(self) -> None:
        super().__init__()
        self.buckets: dict[str, dict[str, bytes]] = {}
        self.undeletable: set[str] = set()

    def create_bucket(self, **request: Any) -> None:
        self.buckets.setdefault(request["Bucket"], {})

    def put_object(self, **request: Any) -> None:
        self.buckets[request["Bucket"]][request["Key"]] = request["Body"]

    def get_object(self, **request: Any) -> dict[str, Any]:
        self.called("GetObject", request)
        if request["Key"] not in self.buckets[request["Bucket"]]:
            raise client_error("GetObject", "NoSuchKey", "The specified key does not exist.", 404)
        return {"Body": _Body(self.buckets[request["Bucket"]][request["Key"]])}

    def delete_objects(self, **request: Any) -> dict[str, Any]:
        self.called("DeleteObjects", request)
        keys = [entry["Key"] for entry in request["Delete"]["Objects"]]
        assert 1 <= len(keys) <= 1000
        for key in set(keys) - self.undeletable:
            self.buckets[request["Bucket"]].pop(key, None)
        errors = [
            {"Key": key, "Code": "InternalError", "Message": "We encountered an internal error"}
            for key in keys
            if key in self.undeletable
        ]
        return {"Errors": errors} if errors else {}

    def get_paginator(self, operation: str) -> Paginator:
        listed = {"list_objects_v2": "Contents", "list_object_versions": "Versions"}[operation]
        return Paginator(functools.partial(self._pages, listed))

    def _pages(self, listed: str, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        objects = self.buckets[request["Bucket"]]
        keys = sorted(key for key in objects if key.startswith(request["Prefix"]))
        rows = [{"Key": key, "Size": len(objects[key]), "VersionId": "null"} for key in keys]
        return [{listed: rows[first : first + 2]} for first in range(0, len(rows), 2)] or [{}]
