//! The members of a deployment group that go back to a default when no longer declared. Data.
//!
//! Sources: the service model of codedeploy 2014-10-06 (`UpdateDeploymentGroup` and its structures),
//! aws-facts 2.1. Without a row: the deployment configuration, whose default AWS refuses for ECS, and
//! what a group for ECS cannot be without.

use crate::kinds::members::Reset;

pub(crate) const RESETS: &[Reset] = &[
    Reset::to(
        "al",
        "/alarmConfiguration",
        r#"{"enabled": false, "ignorePollAlarmFailure": false, "alarms": []}"#,
    ),
    Reset::to("ip", "/alarmConfiguration/ignorePollAlarmFailure", "false").inner(),
    Reset::to(
        "ar",
        "/autoRollbackConfiguration",
        r#"{"enabled": false, "events": []}"#,
    ),
    Reset::to("tr", "/triggerConfigurations", "[]"),
    Reset::to("oi", "/outdatedInstancesStrategy", r#""UPDATE""#),
    Reset::to("th", "/terminationHookEnabled", "false"),
    Reset::to(
        "rw",
        "/blueGreenDeploymentConfiguration/deploymentReadyOption/waitTimeInMinutes",
        "0",
    )
    .inner(),
    Reset::to(
        "tw",
        "/blueGreenDeploymentConfiguration/terminateBlueInstancesOnDeploymentSuccess/terminationWaitTimeInMinutes",
        "0",
    )
    .inner(),
    Reset::absent(
        "tt",
        "/loadBalancerInfo/targetGroupPairInfoList/0/testTrafficRoute",
    )
    .inner(),
];
