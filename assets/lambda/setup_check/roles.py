"""Whether functions and jobs can do their work, shown without any of it being done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ddb_migration import names
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.role_permissions import RolePermissions
from ddb_migration.core.checks.permissions import role_finding
from ddb_migration.core.checks.reach import denied_finding
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Keys
from setup_check.job_work import JobWork, job_works

_EXAMPLES = {"S": "probe", "N": "0", "B": "cHJvYmU="}
_FUNCTIONS = {"StreamProcessor": names.STREAM_PROCESSOR, "WriteCdc": names.WRITE_CDC}
_REVERSE_FUNCTIONS = {
    "ReverseStreamProcessor": names.REVERSE_STREAM_PROCESSOR,
    "ReverseWriteCdc": names.REVERSE_WRITE_CDC,
}


@dataclass(frozen=True)
class Roles:
    """The roles of one migration.

    A function is called with a probe, and makes harmless calls itself. A job can be called only by running it, and
    its role be assumed only by Glue, so that goes through IAM's simulator.
    """

    functions: Any
    permissions: RolePermissions
    environment: Environment

    def findings(self, setup: Setup) -> list[Finding]:
        """Return a finding for each permission that is missing; none while a table itself is wrong."""
        source, destination = setup.source, setup.destination
        if source is None or destination is None or source.keys != destination.keys:
            return []
        if not source.is_usable or not destination.is_usable:
            return []
        jobs = (found for work in job_works(setup, self.environment) for found in self._of_job(work))
        return [*self._of_functions(setup, source.keys), *jobs]

    def _of_functions(self, setup: Setup, keys: Keys) -> Iterator[Finding]:
        key = {name: {kind: _EXAMPLES[kind]} for name, _, kind in keys}
        reverse = _REVERSE_FUNCTIONS if self.environment.reverse is not None else {}
        for title, name in {**_FUNCTIONS, **reverse}.items():
            for denied in self._probe(self.environment[name], key):
                found = denied_finding(setup, title, denied)
                if found is not None:
                    yield found

    def _probe(self, function: str, key: dict[str, dict[str, str]]) -> list[str]:
        answer = self.functions.invoke(FunctionName=function, Payload=json.dumps({"probe": key}))
        body = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            return [f"its probe failed: {body.get('errorType')}: {body.get('errorMessage')}"]
        denied: list[str] = body["denied"]
        return denied

    def _of_job(self, work: JobWork) -> Iterator[Finding]:
        for resource, actions in work.needs.items():
            missing = self.permissions.missing(work.role, actions, resource)
            if missing is None:
                # Then the job's own failure has to tell.
                print(f"the role of {work.job} is not checked: IAM's simulator may not be asked, or cannot judge")
                return
            for denied in missing:
                yield role_finding("job-role", work.job, denied)
