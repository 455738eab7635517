//! A person at the console, and eyes on the simulated AWS.

use std::sync::Arc;

use evenkeel::aws::{Aws, Connection, Fault, connect};
use evenkeel::clock::Clock;
use evenkeel::metrics::Metrics;
use evenkeel::model::{Call, Service};
use evenkeel::mount::Mounted;
use serde_json::{Value, json};

/// A second client of the same AWS, without faults.
pub(crate) struct Person {
    aws: Aws,
}

impl Person {
    pub(crate) async fn new(mounted: &Mounted, clock: &Clock) -> Self {
        let connection = Connection::Sandbox {
            http: mounted.http_client(),
            region: "us-east-1".to_owned(),
        };
        let aws = connect(connection, clock.clone(), Arc::new(Metrics::new()))
            .await
            .unwrap();
        Self { aws }
    }

    pub(crate) async fn call(
        &self,
        service: Service,
        operation: &'static str,
        input: Value,
    ) -> Value {
        self.try_call(service, operation, input).await.unwrap()
    }

    /// The same, for what AWS may refuse.
    pub(crate) async fn try_call(
        &self,
        service: Service,
        operation: &'static str,
        input: Value,
    ) -> Result<Value, Fault> {
        let call = Call {
            service,
            operation,
            input,
        };
        self.aws.call(&call).await
    }

    /// The client itself.
    pub(crate) fn aws(&self) -> Aws {
        self.aws.clone()
    }

    pub(crate) async fn service(&self, cluster: &str, name: &str) -> Value {
        let input = json!({"cluster": cluster, "services": [name], "include": ["TAGS"]});
        let mut answer = self.call(Service::Ecs, "DescribeServices", input).await;
        answer["services"][0].take()
    }

    /// The task definition ARN of the `PRIMARY` task set.
    pub(crate) async fn primary(&self, cluster: &str, name: &str) -> String {
        let service = self.service(cluster, name).await;
        let sets = service["taskSets"].as_array().unwrap();
        let primary = sets.iter().find(|set| set["status"] == "PRIMARY").unwrap();
        primary["taskDefinition"].as_str().unwrap().to_owned()
    }

    /// The image of the first container of a revision.
    pub(crate) async fn image(&self, task_definition: &str) -> String {
        let input = json!({"taskDefinition": task_definition});
        let answer = self
            .call(Service::Ecs, "DescribeTaskDefinition", input)
            .await;
        answer["taskDefinition"]["containerDefinitions"][0]["image"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}
