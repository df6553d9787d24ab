"""The rehearsal's own app as something to rehearse: one synthesis, deployed once for each bulk load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ddb_migration_construct.rehearsal.bulk_load_choice import choose_bulk_load
from ddb_migration_construct.rehearsal.cloud_assembly import copy_assembly, read_stacks
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.plants import plant
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.synthesis import MIGRATION_NAME, STACK_NAME, Synthesis


class OwnAssembly:
    """The assembly that a synthesis is making, with the planted fault and the changes that were asked for."""

    def __init__(self, synthesis: Synthesis, planted: str | None, change: Callable[[Path], None]) -> None:
        self.folder = synthesis.assembly
        self._synthesis = synthesis
        self._planted = planted
        self._change = change
        self._is_made = False

    def make(self, progress: Progress) -> None:
        """Wait for the synthesis and change what it made, the first time."""
        if self._is_made:
            return
        progress.record("synthesise", self._synthesis.wait())
        self._change(self.folder)
        if self._planted is not None:
            plant(self.folder, self._planted)
        self._is_made = True


@dataclass(frozen=True)
class OwnMigration:
    """The migration of the rehearsal's own app, with one bulk load."""

    assembly: OwnAssembly
    mode: str
    chosen: RehearsalOptions
    name: None = None

    def assemble(self, progress: Progress) -> None:
        """Wait for the app's assembly."""
        self.assembly.make(progress)

    def deploy(self, aws: EmbeddedAws, folder: Path) -> Deployed:
        """Deploy the app's one stack."""
        copied = copy_assembly(self.assembly.folder, folder / "cdk.out")
        for stack in read_stacks(copied):
            choose_bulk_load(stack, self.mode)
        outputs = deploy(aws, copied, STACK_NAME)
        return Deployed(aws, STACK_NAME, MIGRATION_NAME, outputs["SourceTable"], outputs["DestinationTable"])

    def options(self, deployed: Deployed) -> RehearsalOptions:
        """Return what was chosen: the tables were made for it."""
        del deployed
        return self.chosen
