"""Lists every promoted version in Azure ML, where people look for models.

It listens to the outbox, so a promotion does not wait for it and does not fail with it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from retrain.adapters.azure.arm import or_none, translated
from retrain.adapters.azure.azureml import show_datastore, show_environment
from retrain.errors import Conflict
from retrain.records.outbox import Kind
from retrain.records.registry import artifact_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.ai.ml.entities import Model

    from retrain.adapters.azure.azureml import Workspace
    from retrain.records.ledger import Ledger
    from retrain.records.outbox import Event
    from retrain.records.registry import RegisteredModel, Registry
    from retrain.records.run import Run
    from retrain.settings import Settings

METRICS = ("rmse", "mae", "mase", "r2")


class AzureMlCatalog:
    """Versions as models of the workspace, their images as environments. The store decides; this list follows."""

    name = "azure-ml"

    def __init__(self, workspace: Workspace, settings: Settings, ledger: Ledger, registry: Registry) -> None:
        self._workspace, self._settings = workspace, settings
        self._ledger, self._registry = ledger, registry

    def receive(self, event: Event, run: Run) -> None:
        """See Listener. Verdicts and failures make no version, so they change nothing here."""
        if event.kind not in (Kind.PROMOTION, Kind.ROLLBACK) or run.model is None:
            return
        model = self._registry.of_record(run.model.version)
        self.show_model(model, self._facts(model, run))
        image = run.promotion["build"].image if run.promotion and "build" in run.promotion else None
        if image:
            show_environment(self._workspace, f"{model.name}-image", _image_version(model, image), image)
        before = self._before(model.version)
        if before is not None:
            self.show_model(before, self._champion_facts(before.version))

    def show_model(self, model: RegisteredModel, facts: Mapping[str, str]) -> None:
        """List a version, or add to its tags; its properties stay those with which it was listed first.

        Raises: Conflict if the version that is listed there is another model.
        """
        from azure.ai.ml.entities import Model

        artifact = artifact_name(model.artifact_sha256)
        listed = self._listed(model.name, model.version)
        if listed is not None and not str(listed.path).endswith(artifact):
            raise Conflict(
                f"model {model.name} version {model.version} in {self._workspace.id} is {listed.path} and not "
                f"{artifact}; set RETRAIN_MODEL_NAME to a name that nothing else registers under"
            )
        if listed is None:
            show_datastore(self._workspace, self._settings)
        path, properties = self._workspace.uri(artifact), dict(facts)
        shown = listed or Model(
            name=model.name, version=model.version, path=path, type="custom_model", properties=properties
        )
        shown.tags = {**(shown.tags or {}), **facts}
        with translated(self._workspace.context(f"registering model {model.name} version {model.version}")):
            self._workspace.client.models.create_or_update(shown)

    def _facts(self, model: RegisteredModel, run: Run) -> dict[str, str]:
        """Lineage, metrics on the unseen days, run, commit, image, address, and since when it is champion."""
        steps, challenger = run.promotion or {}, run.challenger
        scores = {name: getattr(challenger, name) for name in METRICS if challenger}
        metrics = {name: f"{value:.6g}" for name, value in scores.items() if value is not None}
        steps_facts = {
            "image": steps["build"].image if "build" in steps else None,
            "service": steps["prove"].service if "prove" in steps else None,
            "git_commit": self._settings.azure.commit,
        }
        return {
            **{name: str(value) for name, value in model.lineage.as_json().items()},
            "artifact_sha256": model.artifact_sha256,
            "run": model.run_id,
            **metrics,
            **{name: value for name, value in steps_facts.items() if value},
            **self._champion_facts(model.version),
        }

    def _champion_facts(self, version: str) -> dict[str, str]:
        """Whether it is champion now, since when, and until when it was."""
        pointer = self._ledger.pointer()
        is_champion = pointer.champion is not None and pointer.champion.version == version
        facts = {"champion": "yes" if is_champion else "no"}
        followed = [*pairwise(pointer.champions), *((last, None) for last in pointer.champions[-1:])]
        for entry, after in followed:
            if entry.version == version:
                facts["champion_since"] = entry.since.isoformat()
                facts |= {"champion_until": after.since.isoformat()} if after else {}
        return facts

    def _before(self, version: str) -> RegisteredModel | None:
        """The version that was champion before this one."""
        pairs = pairwise(self._ledger.pointer().champions)
        before = [earlier.version for earlier, later in pairs if later.version == version and earlier.version]
        return self._registry.of_record(before[-1]) if before and before[-1] != version else None

    def _listed(self, name: str, version: str) -> Model | None:
        where = self._workspace.context(f"looking for model {name} version {version}")
        return or_none(where, lambda: self._workspace.client.models.get(name, version))


def _image_version(model: RegisteredModel, image: str) -> str:
    """An environment never changes, and building again makes another image: both are named."""
    return f"{model.version}-{image.rpartition(':')[2][:12]}"
