#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""examples/kubernetes against the types of the Kubernetes API, in a root of Debian 13: kubectl renders the
manifests; then each object goes through the types of the API and has to come back with all that
it had. A field that the API does not know is lost, and another type is refused or changed.

The types are those of Debian's Python client, which are generated from the API's OpenAPI document and know
which fields are required, and for the DaemonSet those of kubectl itself. What only an API server checks is not
looked at: forms of names and labels, fields that exclude each other, admission.
"""

import contextlib
import copy
import json

from root import TOP, Root
from container import words_of
from tap import Failed, check, check_equal, note, run, test

MANIFESTS = TOP / "examples" / "kubernetes"

# From JSON through the type of its kind to JSON.
THROUGH_PYTHON = """
import json, sys, types
from kubernetes import client
api = client.ApiClient()
given = json.load(sys.stdin)
typed = api.deserialize(types.SimpleNamespace(data=json.dumps(given)), "V1" + given["kind"])
json.dump(api.sanitize_for_serialization(typed), sys.stdout)
"""


def lost(given, kept, where=""):
    """What of an object did not come back as it was."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            yield from lost(value, kept.get(key), f"{where}.{key}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for number, (value, other) in enumerate(zip(given, kept)):
            yield from lost(value, other, f"{where}[{number}]")
    elif given != kept:
        yield f"{where}: {given!r} became {kept!r}"


class Api:
    """The types, in a root, and the manifests as they were rendered."""

    def __init__(self, root):
        self.root = root
        self.objects = self._kubectl("label", "--local", "-f", "/rendered.yaml", "checked=yes")

    def _kubectl(self, *words):
        """What kubectl makes of a file, without an API server; a list of objects."""
        text = self.root.run("kubectl", *words, "-o", "json").stdout
        decoder, found = json.JSONDecoder(), []
        while text.strip():
            one, end = decoder.raw_decode(text.lstrip())
            found.append(one)
            text = text.lstrip()[end:]
        return found

    def of_kind(self, kind):
        return copy.deepcopy(next(one for one in self.objects if one["kind"] == kind))

    def faults(self, given):
        """By the Python client's types."""
        self.root.inside("/given.json").write_text(json.dumps(given), encoding="utf-8")
        done = self.root.run("sh", "-c", 'python3 -c "$1" </given.json', "sh", THROUGH_PYTHON, check=False)
        if done.returncode:
            return [done.stdout.strip().splitlines()[-1]]
        return list(lost(given, json.loads(done.stdout)))

    def faults_by_kubectl(self, given):
        """By kubectl's own types, which it uses to change an image."""
        self.root.inside("/given.json").write_text(json.dumps(given), encoding="utf-8")
        image = given["spec"]["template"]["spec"]["containers"][0]["image"]
        return list(lost(given, self._kubectl("set", "image", "--local", "-f", "/given.json", f"turnserver={image}x")[0]))


@test("the API knows each field of each object", seconds=120)
def fields(api):
    check_equal(sorted(one["kind"] for one in api.objects), ["DaemonSet", "Namespace", "Secret", "Service"], "kinds")
    for one in api.objects:
        check_equal(api.faults(one), [], one["kind"])


@test("kubectl's own types have each field of the DaemonSet", seconds=60)
def fields_of_kubectl(api):
    # The image is what it was told to change.
    faults = [fault for fault in api.faults_by_kubectl(api.of_kind("DaemonSet")) if ".containers[0].image:" not in fault]
    check_equal(faults, [], "faults")


@test("a field that the API does not know, one of another type, and one that is missing are found", seconds=120)
def faults_are_found(api):
    unknown, other, missing = (api.of_kind("DaemonSet") for _ in range(3))
    unknown["spec"]["template"]["spec"]["hostNetwrk"] = True
    other["spec"]["template"]["spec"]["containers"][0]["livenessProbe"]["periodSeconds"] = "often"
    del missing["spec"]["selector"]
    for one, word in ((unknown, "hostNetwrk"), (other, "often"), (missing, "selector")):
        found = api.faults(one)
        check(len(found) == 1 and word in found[0], f"{word}: found {found}")
    found = api.faults_by_kubectl(unknown)
    check(any("hostNetwrk" in fault for fault in found), f"by kubectl: found {found}")
    try:
        raise Failed(f"kubectl took it: {api.faults_by_kubectl(other)}")
    except RuntimeError as error:
        check("periodSeconds" in str(error), f"kubectl says {error}")


@test("the pod has what compose.yaml gives to the same containers, and finds its configuration", seconds=30)
def agrees(api):
    pod = api.of_kind("DaemonSet")["spec"]["template"]["spec"]
    for container, service in zip(pod["containers"], ("turnserver", "metrics")):
        given = container["securityContext"]
        check_equal(given["capabilities"], {"drop": words_of(service, "cap_drop"), "add": words_of(service, "cap_add")},
                    f"capabilities of {service}")
        check(given["readOnlyRootFilesystem"], f"{service} can write its root")
    volume = pod["volumes"][0]["secret"]["secretName"]
    check_equal(api.of_kind("Secret")["metadata"]["name"], volume, "the secret that is mounted")
    check_equal(list(api.of_kind("Secret")["data"]), ["turnserver.conf"], "its files")
    check_equal(api.of_kind("Service")["spec"]["selector"],
                {key: value for key, value in api.of_kind("DaemonSet")["spec"]["template"]["metadata"]["labels"].items()},
                "the pods that the service has")


@contextlib.contextmanager
def fixture():
    with Root("trixie", "kubernetes") as root:
        root.install("kubectl", "python3-kubernetes")
        note(root.run("dpkg-query", "-W", "kubectl", "python3-kubernetes").stdout)
        there = root.inside("/manifests")
        there.mkdir()
        for path in MANIFESTS.iterdir():
            (there / path.name).write_bytes(path.read_bytes())
        root.run("sh", "-c", "kubectl kustomize /manifests >/rendered.yaml")
        yield Api(root)


if __name__ == "__main__":
    run(fixture())
