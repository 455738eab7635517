//! Mistakes of task definitions.

use super::{Row, verify};

const TASKS: &[Row] = &[
    (
        "  memory: \"512\"",
        "  memory: \"700\"",
        "fargate-size",
        "cpu: \"256\"",
        "512, 1024 or 2048 MiB",
    ),
    (
        "  memory: \"512\"\n",
        "",
        "missing-field",
        "networkMode",
        "`memory` is missing",
    ),
    (
        "  networkMode: awsvpc",
        "  networkMode: bridge",
        "network-mode",
        "bridge",
        "only supports",
    ),
    (
        "          hostPort: 8080",
        "          hostPort: 80",
        "port-mapping",
        "hostPort: 80",
        "must match",
    ),
    (
        "      essential: false",
        "      essential: false\n    - name: auth\n      image: x",
        "duplicate",
        "- name: auth\n      image: x",
        "second container",
    ),
    (
        "      image: nova/auth-service:1.4.0\n",
        "",
        "missing-field",
        "- name: auth\n      port",
        "`image` is missing",
    ),
    (
        "nova/auth-service:1.4.0",
        "<IMAGE1_NAME>",
        "bad-image",
        "IMAGE1",
        "placeholder",
    ),
    (
        "sourceVolume: scratch",
        "sourceVolume: scrtch",
        "unknown-name",
        "scrtch",
        "Did you mean `scratch`?",
    ),
    (
        "        - containerName: auth",
        "        - containerName: autth",
        "unknown-name",
        "autth",
        "no container `autth`",
    ),
    (
        "  executionRoleArn: arn:aws:iam::123456789012:role/execution\n",
        "",
        "missing-field",
        "requiresCompat",
        "pull images from ECR",
    ),
    (
        "    - name: sidecar",
        "    - name: side car",
        "bad-name",
        "side car",
        "cannot name a container",
    ),
    (
        "      essential: false",
        "      essential: false\n      cpu: 512",
        "container-size",
        "cpu: \"256\"",
        "ask for 512 cpu units",
    ),
    (
        "      essential: false",
        "      essential: false\n      memory: 9999",
        "container-size",
        "9999",
        "more than the task's 512",
    ),
    (
        "  name: auth-task",
        "  name: auth.task",
        "bad-name",
        "auth.task",
        "cannot name a TaskDefinition",
    ),
];

#[test]
fn mistakes_of_task_definitions() {
    verify(TASKS);
}
