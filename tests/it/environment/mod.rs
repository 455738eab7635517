//! One set of manifests for several environments, from the command line and from the daemon, on the
//! simulated AWS.

mod command;
mod daemon;
mod stage;
mod values;

/// Two environments, of which staging is the sandbox's account.
pub(crate) const ENVIRONMENTS: &str = r#"
apiVersion: evenkeel.dev/v1alpha1
kind: Environment
metadata: {name: staging}
spec:
  account: "123456789012"
  region: eu-central-1
  variables: {TAG: 1.5.0, LEVEL: debug}
---
apiVersion: evenkeel.dev/v1alpha1
kind: Environment
metadata: {name: production}
spec:
  account: "999999999999"
  region: eu-central-1
  variables: {TAG: 1.4.0}
"#;

/// A task definition for both.
pub(crate) const TASK: &str = r#"
apiVersion: evenkeel.dev/v1alpha1
kind: TaskDefinition
metadata: {name: web}
spec:
  networkMode: awsvpc
  requiresCompatibilities: [FARGATE]
  cpu: "256"
  memory: "512"
  containerDefinitions:
    - name: web
      image: public.ecr.aws/x/web:${TAG}
      command: [sh, -c, "exec ${HOME}/web"]
      environment: [{name: LEVEL, value: "${LEVEL:-info}"}]
"#;
