"""The container, the cluster's manifest and the alert rules hold together, with each other and with the service."""

import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
MANIFEST = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))
BY_KIND = {part["kind"]: part for part in MANIFEST}
(CONTAINER,) = BY_KIND["Deployment"]["spec"]["template"]["spec"]["containers"]


def pins(path):
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines if line)}


def instructions(text):
    """A Dockerfile's instructions: name and rest, comments and continued lines put together."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in lines.splitlines() if line.strip()]


DOCKERFILE = instructions((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))


def of(name):
    return [rest for kind, rest in DOCKERFILE if kind == name]


# ------------------------------------------------------------------------------------------------- the container


def test_the_image_is_pinned_and_knows_no_root():
    (image,) = of("FROM")
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", image)
    assert of("USER") == ["10001:10001"]
    order = [name for name, _ in DOCKERFILE]
    assert (
        order.index("RUN") < order.index("USER") < order.index("ENTRYPOINT")
    )  # it installs as root, and runs as no one


def test_what_it_copies_exists_and_reaches_the_builder():
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split("\n")
    let_through = [line[1:] for line in ignored if line.startswith("!")]
    assert "*" in ignored
    for line in of("COPY"):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(fnmatch(source, pattern) for pattern in let_through), source


def test_it_installs_pins_of_ours_and_no_torch():
    wanted, ours, fixed = (
        pins(path) for path in (DEPLOY / "requirements.txt", ROOT / "requirements.txt", ROOT / "constraints.txt")
    )
    assert "torch" not in wanted and "onnxruntime" in wanted
    for name, version in wanted.items():
        assert fixed[name] == version and ours[name] == version, name
    (run,) = of("RUN")
    words = shlex.split(run)
    assert "--no-cache-dir" in words and words[words.index("--constraint") + 1] == "constraints.txt"


def test_it_starts_the_service_that_the_library_has(monkeypatch):
    from bertlib.__main__ import build_parser

    entry, arguments = (yaml.safe_load(*of(name)) for name in ("ENTRYPOINT", "CMD"))
    assert entry == ["python", "-m", "bertlib", "serve"]
    for given in (arguments, CONTAINER["args"]):
        options = build_parser().parse_args([*entry[3:], *given])
        assert (options.host, options.port) == ("0.0.0.0", 8000)
    assert "/health" in of("HEALTHCHECK")[0] and of("EXPOSE") == ["8000"] and of("STOPSIGNAL") == ["SIGTERM"]


# --------------------------------------------------------------------------------------------------- the cluster


@pytest.mark.parametrize("part", MANIFEST, ids=lambda part: part["kind"])
def test_the_manifest_fits_the_schemas_of_kubernetes(part):
    kubernetes_validate.validate(part, kubernetes_validate.latest_version(), strict=True)


def test_a_misspelt_field_would_be_found():
    wrong = {**BY_KIND["PodDisruptionBudget"], "spec": {"minAvailabel": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_parts_of_the_manifest_point_at_each_other():
    deployment, service = BY_KIND["Deployment"], BY_KIND["Service"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert service["spec"]["selector"].items() <= labels.items()
    assert BY_KIND["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= labels.items()
    scaler = BY_KIND["HorizontalPodAutoscaler"]
    assert scaler["apiVersion"] == "autoscaling/v2"
    assert scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
    assert 2 <= scaler["spec"]["minReplicas"] < scaler["spec"]["maxReplicas"]
    assert BY_KIND["PodDisruptionBudget"]["spec"]["minAvailable"] < scaler["spec"]["minReplicas"]
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    assert ports[service["spec"]["ports"][0]["targetPort"]] == 8000
    mounts = {mount["name"] for mount in CONTAINER["volumeMounts"]}
    assert mounts == {volume["name"] for volume in deployment["spec"]["template"]["spec"]["volumes"]}


def test_probes_ask_what_the_service_answers():
    paths = {
        probe: CONTAINER[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert paths == {"startupProbe": "/ready", "readinessProbe": "/ready", "livenessProbe": "/health"}
    assert all(CONTAINER[probe]["httpGet"]["port"] == "http" for probe in paths)


def test_pods_have_no_rights_that_they_do_not_need():
    pod = BY_KIND["Deployment"]["spec"]["template"]["spec"]
    (user,) = of("USER")
    assert pod["securityContext"]["runAsNonRoot"] and str(pod["securityContext"]["runAsUser"]) == user.split(":")[0]
    assert pod["automountServiceAccountToken"] is False
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] and CONTAINER["securityContext"]["capabilities"] == {
        "drop": ["ALL"]
    }
    assert {"cpu", "memory"} <= CONTAINER["resources"]["requests"].keys()  # without these nothing can be scaled
    assert "memory" in CONTAINER["resources"]["limits"]


# ---------------------------------------------------------------------------------------------------- the alerts

(GROUP,) = yaml.safe_load((DEPLOY / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
RULES = {rule["alert"]: rule for rule in GROUP["rules"]}


@pytest.fixture(scope="module")
def shown():
    """The figures that the service exports: each series' name with its labels."""
    from prometheus_client import generate_latest
    from prometheus_client.parser import text_string_to_metric_families

    from bertlib.serve.app import Figures

    figures = Figures()
    figures.requests.labels("news", "200").inc()
    figures.seconds.labels("news").observe(0.1)
    for one in (figures.texts, figures.restarts, figures.hung_up):
        one.labels("news").inc()
    figures.batches.labels("news").observe(3)
    figures.waiting.labels("news").set(0)
    families = text_string_to_metric_families(generate_latest(figures.registry).decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_alerts_ask_for_figures_that_the_service_has(rule, shown):
    names = re.findall(r"\bbertlib_\w+", rule["expr"])
    assert names
    for name in names:
        assert name in shown, name
    asked = {word for labels in re.findall(r"by \(([\w, ]+)\)", rule["expr"]) for word in labels.split(", ")}
    asked |= set(re.findall(r"[{,]\s*(\w+)=~?\"", rule["expr"]))
    assert asked <= set().union(*(shown[name] for name in names))
    assert rule["labels"]["severity"] in ("page", "ticket")
    told = " ".join(rule["annotations"].values())
    assert set(re.findall(r"\bbertlib_\w+", told)) <= shown.keys()
    for page in re.findall(r"book/\w+\.md", told):
        assert (ROOT / page).is_file()
    if "$labels.model" in told:
        assert "by (" in rule["expr"]


def test_there_is_an_alert_for_what_hurts():
    told = " ".join(rule["expr"] for rule in RULES.values())
    for part in ("0.99", '"5.."', '"429"', "bertlib_queue_texts", "bertlib_worker_restarts", "absent("):
        assert part in told
    from bertlib.serve.app import SECONDS, Limits

    (limit,) = re.findall(r"> ([\d.]+)$", RULES["BertlibSlow"]["expr"])
    assert float(limit) in SECONDS  # a bound of the histogram's: between two of them a quantile is a guess
    (waiting,) = re.findall(r"> (\d+)$", RULES["BertlibQueueGrows"]["expr"])
    assert int(waiting) == Limits().queue // 4


def test_brackets_close_in_every_rule():
    for rule in RULES.values():
        for one, other in ("()", "{}", "[]"):
            assert rule["expr"].count(one) == rule["expr"].count(other)
