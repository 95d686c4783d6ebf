"""The chart: renders, is valid for Kubernetes, restricted, and what it configures can be run."""

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml
from yamllint import linter
from yamllint.config import YamlLintConfig

from coordinator.rules.countries import Atlas
from coordinator.rules.placement import find_misplacements
from coordinator.settings import CoordinatorSettings
from mpic.runtime.config import load_config
from perspective_agent.settings import AgentSettings

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "deploy/kubernetes/mpic"
VERSIONS = ("1.27", "1.37")
SETTINGS: dict[str, type[AgentSettings] | type[CoordinatorSettings]] = {
    "agent.toml": AgentSettings,
    "coordinator.toml": CoordinatorSettings,
}
Values = dict[str, Any]
Manifest = dict[str, Any]

EXAMPLES = sorted((REPOSITORY / "deploy/kubernetes").glob("*.yaml"))


@cache
def render(example: str) -> tuple[str, ...]:
    """The chart's manifests with the values of an example, each as text."""
    values = yaml.safe_load((REPOSITORY / "deploy/kubernetes" / example).read_text())
    rendered = helm_python.Chart.load(str(CHART)).render(values)
    documents = "\n".join(rendered.values()).split("\n---\n")
    return tuple(text for text in documents if text.strip("-\n "))


def manifests(example: str) -> Iterator[Manifest]:
    for text in render(example):
        yield yaml.safe_load(text)


def pods(example: str) -> Iterator[Manifest]:
    for manifest in manifests(example):
        if "template" in manifest.get("spec", {}):
            yield manifest["spec"]["template"]["spec"]


every_example = pytest.mark.parametrize("example", [path.name for path in EXAMPLES])


def test_there_is_an_example_for_an_agent_and_for_a_coordinator() -> None:
    assert {path.name for path in EXAMPLES} == {"agent.yaml", "coordinator.yaml"}


def test_helm_finds_nothing_wrong() -> None:
    found = helm_python.lint(str(CHART))
    assert not found["errors"]
    assert {one["error"] for one in found["messages"]} <= {"icon is recommended"}


@pytest.mark.parametrize("path", [*EXAMPLES, CHART / "values.yaml", CHART / "Chart.yaml"])
def test_yamllint_finds_nothing_wrong(path: Path) -> None:
    config = YamlLintConfig("extends: default\nrules: {line-length: {max: 100}}")
    assert not list(linter.run(path.read_text(), config))


@pytest.mark.parametrize("version", VERSIONS)
@every_example
def test_kubernetes_takes_every_manifest(example: str, version: str) -> None:
    kinds = []
    for manifest in manifests(example):
        kubernetes_validate.validate(manifest, version, strict=True)
        kinds.append(manifest["kind"])
    needed = {"ConfigMap", "Service", "PodDisruptionBudget", "NetworkPolicy"}
    assert needed < set(kinds)


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    (pod, *_) = (one for one in manifests("agent.yaml") if one["kind"] == "Deployment")
    pod["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod, VERSIONS[-1], strict=True)


def configurations(example: str) -> Iterator[tuple[str, str]]:
    for manifest in manifests(example):
        if manifest["kind"] == "ConfigMap":
            yield from manifest["data"].items()


@every_example
def test_what_it_configures_can_be_run(example: str, tmp_path: Path) -> None:
    found = dict(configurations(example))
    assert "agent.toml" in found
    for name, text in found.items():
        (tmp_path / name).write_text(text)
        settings = load_config(tmp_path / name, SETTINGS[name])
        mounted = "/etc/mpic/tls"
        assert {str(path.parent) for path in settings.tls.model_dump().values()} == {mounted}


def test_the_example_roster_lies_where_it_says(tmp_path: Path) -> None:
    file = tmp_path / "coordinator.toml"
    file.write_text(dict(configurations("coordinator.yaml"))["coordinator.toml"])
    settings = load_config(file, CoordinatorSettings)
    countries = {one.egress.country for one in settings.perspective}
    assert countries == {"JP", "DE", "US", "BR", "ZA", "SG"}
    assert not find_misplacements(settings.roster(), Atlas.read())


def test_an_agent_reaches_the_worlds_servers_and_not_its_own_network() -> None:
    (policy,) = (one["spec"] for one in manifests("agent.yaml") if one["kind"] == "NetworkPolicy")
    out = {
        (port["protocol"], port["port"], target["ipBlock"]["cidr"]): target["ipBlock"]
        for rule in policy["egress"]
        for port in rule["ports"]
        for target in rule["to"]
    }
    world = ("0.0.0.0/0", "::/0")
    ways = (("UDP", 53), ("TCP", 53), ("TCP", 80), ("TCP", 443))
    assert set(out) == {(*way, cidr) for way in ways for cidr in world}
    for (_, port, cidr), block in out.items():
        kept = [ip_network(one) for one in block.get("except", ())]
        assert all(one.subnet_of(ip_network(cidr)) for one in kept)
        own = ip_network("10.0.0.0/8" if cidr == world[0] else "fc00::/7")
        assert (own in kept) == (port != 53)


@every_example
def test_every_pod_is_restricted(example: str) -> None:
    """The "restricted" profile of the Pod Security Standards, and a root nobody can write to."""
    for pod in pods(example):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert {next(iter(set(volume) - {"name"})) for volume in pod["volumes"]} <= {
            "configMap", "secret", "emptyDir",
        }  # fmt: skip
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert {"requests", "limits"} == set(container["resources"])


@every_example
def test_probes_and_ports_are_those_the_programs_listen_on(example: str, tmp_path: Path) -> None:
    listening = {}
    for name, text in configurations(example):
        (tmp_path / name).write_text(text)
        settings = load_config(tmp_path / name, SETTINGS[name])
        program = name.removesuffix(".toml")
        tables = (getattr(settings, program), settings.admin)
        listening[program] = [int(table.listen.rpartition(":")[2]) for table in tables]
    for pod in pods(example):
        (container,) = pod["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert [ports["grpc"], ports["admin"]] == listening[container["name"]]
        for kind, path in (("liveness", "/livez"), ("readiness", "/readyz"), ("startup", "/livez")):
            assert container[f"{kind}Probe"]["httpGet"] == {"path": path, "port": "admin"}


def test_a_record_in_files_has_a_volume_for_each_coordinator(tmp_path: Path) -> None:
    values = yaml.safe_load((CHART.parent / "coordinator.yaml").read_text())
    values["coordinator"]["record"] = {"store": "sqlite"}
    rendered = helm_python.Chart.load(str(CHART)).render(values)
    documents = list(yaml.safe_load_all("\n".join(rendered.values())))
    (stateful,) = (one for one in documents if one and one["kind"] == "StatefulSet")
    (claim,) = stateful["spec"]["volumeClaimTemplates"]
    (container,) = stateful["spec"]["template"]["spec"]["containers"]
    mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    text = "".join(
        one["data"].get("coordinator.toml", "")
        for one in documents
        if one and one["kind"] == "ConfigMap"
    )
    (tmp_path / "coordinator.toml").write_text(text)
    record = load_config(tmp_path / "coordinator.toml", CoordinatorSettings).record
    assert str(record.path.parent) == mounts[claim["metadata"]["name"]]


def test_a_coordinator_has_a_headless_service_and_a_name_that_stays() -> None:
    found = {manifest["kind"]: manifest for manifest in manifests("coordinator.yaml")}
    services = [one for one in manifests("coordinator.yaml") if one["kind"] == "Service"]
    headless = {one["metadata"]["name"] for one in services if one["spec"].get("clusterIP")}
    assert found["StatefulSet"]["spec"]["serviceName"] in headless
    assert found["StatefulSet"]["spec"]["replicas"] > 1


def test_every_pod_knows_the_chains_of_all(tmp_path: Path) -> None:
    """A chain is named after its host, and one that nobody is known to write is no honest one."""
    (found,) = [one for one in manifests("coordinator.yaml") if one["kind"] == "StatefulSet"]
    (tmp_path / "coordinator.toml").write_text(
        dict(configurations("coordinator.yaml"))["coordinator.toml"]
    )
    record = load_config(tmp_path / "coordinator.toml", CoordinatorSettings).record
    name, replicas = found["metadata"]["name"], found["spec"]["replicas"]
    assert all(record.knows_chain(f"{name}-{number}.0", 1) for number in range(replicas))
    assert not record.knows_chain(f"{name}-{replicas}.0", 1)


@every_example
def test_a_program_gets_the_time_it_takes_to_end(example: str, tmp_path: Path) -> None:
    graces = {}
    for name, text in configurations(example):
        (tmp_path / name).write_text(text)
        settings = load_config(tmp_path / name, SETTINGS[name])
        program = name.removesuffix(".toml")
        graces[program] = getattr(settings, program).shutdown_grace
    for pod in pods(example):
        assert pod["terminationGracePeriodSeconds"] > graces[pod["containers"][0]["name"]] + 5
