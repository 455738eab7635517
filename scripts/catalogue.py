#!/usr/bin/env python3
"""Regenerates src/catalogue/fields.tsv from the AWS service models that botocore carries.

    pip install botocore==1.44.5
    python3 scripts/catalogue.py            # rewrites the file
    python3 scripts/catalogue.py --check    # exit 1 if the file is not what this botocore gives

One row a member path: operation, path, type, enum values, constraints. `[]` steps into a list. A map
(`map<string,string>`) and a `document` are free-form: their keys are the user's own and have no rows.
"""

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
]
TARGET = Path(__file__).resolve().parent.parent / "src" / "catalogue" / "fields.tsv"


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


def rows(operation, shape, path, required, above):
    """The rows of one shape and of everything below it. A shape inside itself is cut."""
    if path:
        yield (operation, path, type_of(shape), "|".join(enum_of(shape)), constraints_of(shape, required))
    while shape.type_name == "list":
        shape, path = shape.member, f"{path}[]"
        if shape.type_name == "list":
            yield (operation, path, type_of(shape), "|".join(enum_of(shape)), constraints_of(shape, False))
    if shape.type_name != "structure" or shape.metadata.get("document") or shape.name in above:
        return
    for name, member in shape.members.items():
        below = f"{path}.{name}" if path else name
        yield from rows(operation, member, below, name in shape.required_members, above | {shape.name})


def catalogue():
    """The whole file as text."""
    session = botocore.session.get_session()
    lines = [f"# botocore {botocore.__version__}", "operation\tpath\ttype\tenum_values\tconstraints"]
    for service, name in OPERATIONS:
        shape = session.get_service_model(service).operation_model(name).input_shape
        lines += ["\t".join(row) for row in rows(f"{service}:{name}", shape, "", False, frozenset())]
    return "\n".join(lines) + "\n"


def main():
    """Writes the file, or compares it."""
    text = catalogue()
    if "--check" in sys.argv[1:]:
        if TARGET.read_text() != text:
            sys.exit(f"{TARGET} is not what botocore {botocore.__version__} gives; run scripts/catalogue.py")
        return
    TARGET.write_text(text)
    print(f"{TARGET}: {text.count(chr(10)) - 2} fields, botocore {botocore.__version__}")


if __name__ == "__main__":
    main()
