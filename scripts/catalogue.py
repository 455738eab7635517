#!/usr/bin/env python3
"""Regenerates the tables of src/catalogue from the AWS service models that botocore carries.

    pip install botocore==1.44.5
    python3 scripts/catalogue.py            # rewrites the files
    python3 scripts/catalogue.py --check    # exit 1 if a file is not what this botocore gives

fields.tsv: one row a member path: operation, path, type, enum values, constraints. `[]` steps into a
list. A map (`map<string,string>`) and a `document` are free-form: their keys are the user's own and have
no rows.
descriptions.tsv: the first sentence of what AWS says of the member, as plain text: operation, path,
sentence. Members without one have no row. The texts are of the service models, which botocore
distributes under the Apache License 2.0 (Copyright Amazon.com, Inc. or its affiliates).
read_only.tsv: members that a describing operation returns and the creating one does not take: creating
operation, member.
attributes.tsv: the keys of load balancing's attributes, which the models name only in the text about
the member `Key`: creating operation, key.
"""

import html
import re
import sys
from pathlib import Path

import botocore
import botocore.session

OPERATIONS = [
    ("ecs", "CreateCluster"),
    ("ecs", "RegisterTaskDefinition"),
    ("ecs", "CreateService"),
    ("ecr", "CreateRepository"),
    ("elbv2", "CreateTargetGroup"),
    ("elbv2", "CreateLoadBalancer"),
    ("elbv2", "CreateListener"),
    ("elbv2", "CreateRule"),
    ("codedeploy", "CreateDeploymentGroup"),
    ("application-autoscaling", "RegisterScalableTarget"),
    ("application-autoscaling", "PutScalingPolicy"),
]
# The creating operation, the describing one, and where the described document is in its answer.
DESCRIBED = [
    ("ecs", "RegisterTaskDefinition", "DescribeTaskDefinition", "taskDefinition"),
    ("ecs", "CreateService", "DescribeServices", "services"),
]
# The creating operation, and the shape of an attribute of what it makes.
ATTRIBUTES = [
    ("elbv2", "CreateTargetGroup", "TargetGroupAttribute"),
    ("elbv2", "CreateLoadBalancer", "LoadBalancerAttribute"),
    ("elbv2", "CreateListener", "ListenerAttribute"),
]
# Longer sentences are cut at a word: they are for a tooltip.
LONGEST = 240
FOLDER = Path(__file__).resolve().parent.parent / "src" / "catalogue"


def type_of(shape):
    """The type column: what may stand at the path."""
    if shape.type_name == "structure" and shape.metadata.get("document"):
        return "document"
    if shape.type_name == "list":
        inner = type_of(shape.member)
        return f"list<{'list' if inner.startswith('list') else inner}>"
    if shape.type_name == "map":
        return f"map<{type_of(shape.key)},{type_of(shape.value)}>"
    return shape.type_name


def enum_of(shape):
    """The allowed values; those of the elements for a list of strings."""
    if shape.type_name == "list":
        return enum_of(shape.member) if shape.member.type_name == "string" else []
    return shape.enum if shape.type_name == "string" else []


def constraints_of(shape, required):
    """`required`, and bounds: of a number's value, a string's or a list's length."""
    words = ["required"] if required else []
    words += [f"{word}={shape.metadata[word]}" for word in ("min", "max") if word in shape.metadata]
    return " ".join(words)


def sentence_of(shape):
    """The first sentence of a member's documentation, as plain text."""
    text = re.sub(r"<(note|important|ul|ol|dl|table|pre)\b.*?</\1>", " ", shape.documentation, flags=re.S)
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", text))).strip()
    sentence = re.match(r".+?[.!?](?=\s+[A-Z\[(]|$)", text)
    sentence = sentence.group() if sentence else text
    if len(sentence) > LONGEST:
        sentence = sentence[:LONGEST].rsplit(" ", 1)[0] + " ..."
    return sentence


def rows(operation, shape, path, required, above):
    """The rows of one shape and of everything below it. A shape inside itself is cut."""
    if path:
        constraints = constraints_of(shape, required)
        row = (operation, path, type_of(shape), "|".join(enum_of(shape)), constraints)
        yield row, sentence_of(shape)
    while shape.type_name == "list":
        shape, path = shape.member, f"{path}[]"
        if shape.type_name == "list":
            row = (operation, path, type_of(shape), "|".join(enum_of(shape)), constraints_of(shape, False))
            yield row, ""
    if shape.type_name != "structure" or shape.metadata.get("document") or shape.name in above:
        return
    for name, member in shape.members.items():
        below = f"{path}.{name}" if path else name
        yield from rows(operation, member, below, name in shape.required_members, above | {shape.name})


def read_only(session):
    """The rows of read_only.tsv."""
    for service, creating, describing, where in DESCRIBED:
        model = session.get_service_model(service)
        described = model.operation_model(describing).output_shape.members[where]
        if described.type_name == "list":
            described = described.member
        taken = model.operation_model(creating).input_shape.members
        yield from ((f"{service}:{creating}", name) for name in described.members if name not in taken)


def attributes(session):
    """The rows of attributes.tsv. A key is the code at the head of a list's item."""
    for service, creating, shape in ATTRIBUTES:
        text = session.get_service_model(service).shape_for(shape).members["Key"].documentation
        for key in re.findall(r"<li>\s*<p>\s*<code>([a-z0-9_]+(?:\.[a-z0-9_]+)+)</code>\s*-", text):
            yield f"{service}:{creating}", key


def tables():
    """The files by name, each as its columns and rows."""
    session = botocore.session.get_session()
    found = []
    for service, name in OPERATIONS:
        shape = session.get_service_model(service).operation_model(name).input_shape
        found += rows(f"{service}:{name}", shape, "", False, frozenset())
    return {
        "fields.tsv": ("operation\tpath\ttype\tenum_values\tconstraints", [row for row, _ in found]),
        "descriptions.tsv": ("operation\tpath\tdescription", [(*row[:2], text) for row, text in found if text]),
        "read_only.tsv": ("operation\tmember", list(read_only(session))),
        "attributes.tsv": ("operation\tkey", list(attributes(session))),
    }


def main():
    """Writes the files, or compares them."""
    for name, (columns, lines) in tables().items():
        text = "\n".join([f"# botocore {botocore.__version__}", columns, *map("\t".join, lines)]) + "\n"
        target = FOLDER / name
        if "--check" not in sys.argv[1:]:
            target.write_text(text)
            print(f"{target}: {len(lines)} rows, botocore {botocore.__version__}")
        elif target.read_text() != text:
            sys.exit(f"{target} is not what botocore {botocore.__version__} gives; run scripts/catalogue.py")


if __name__ == "__main__":
    main()
