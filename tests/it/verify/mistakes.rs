//! One mistake in the auth service of Nova or in what AWS holds, one finding at the value that it is
//! about.

use super::stage::{AUTH, Stage, edit, nova, only};

const MANIFEST: &str = "services/auth.yaml";
const SEED: &str = "sandbox.yaml";
const TASK: &str = "TaskDefinition/nova-auth-service";
const SERVICE: &str = "Service/auth-service";
const GROUP: &str = "DeploymentGroup/auth-service";
const SUBNETS: &str = "/networkConfiguration/awsvpcConfiguration/subnets";
const GROUPS: &str = "/networkConfiguration/awsvpcConfiguration/securityGroups";
const CONTAINER: &str = "/containerDefinitions/0";

/// What is changed: file, text, other text.
type Change = (&'static str, &'static str, &'static str);

async fn check(changes: &[Change], what: &str, place: String, words: &[&str]) {
    let mut files = nova(&AUTH);
    for (file, from, to) in changes {
        edit(&mut files, file, from, to);
    }
    only(
        &Stage::new(files).await.verified().await,
        what,
        &place,
        words,
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_amiss() {
    let judged = Stage::new(nova(&[])).await.verified().await;
    assert_eq!(judged.findings, []);
    assert_eq!(judged.unknown, []);
    // The repositories are made by the set, so that no image can be there yet.
    assert_eq!(judged.unchecked.len(), 8, "{:#?}", judged.unchecked);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_not_there() {
    let from = "{arn: \"arn:aws:iam::123456789012:role/nova-auth-service\", trusts: [ecs-tasks.amazonaws.com]}";
    // A name alone closes the kind.
    let to = "\"arn:aws:iam::123456789012:role/x\"";
    let words = ["`arn:aws:iam::123456789012:role/nova-auth-service` does not exist"];
    let place = format!("{TASK} /taskRoleArn");
    check(&[(SEED, from, to)], "error missing-role", place, &words).await;
}

#[tokio::test(start_paused = true)]
async fn a_role_of_another_path() {
    let change = (
        SEED,
        "role/nova-auth-service\"",
        "role/team/nova-auth-service\"",
    );
    let words = ["`arn:aws:iam::123456789012:role/team/nova-auth-service` does"];
    let place = format!("{TASK} /taskRoleArn");
    check(&[change], "error missing-role", place, &words).await;
}

#[tokio::test(start_paused = true)]
async fn a_role_that_trusts_somebody_else() {
    let from = "nova-codedeploy\", trusts: [codedeploy.amazonaws.com]";
    let to = "nova-codedeploy\", trusts: [ecs-tasks.amazonaws.com]";
    let words = ["cannot be assumed by codedeploy.amazonaws.com"];
    let place = format!("{GROUP} /serviceRoleArn");
    check(&[(SEED, from, to)], "error role-trust", place, &words).await;
}

#[tokio::test(start_paused = true)]
async fn an_image_that_was_not_pushed() {
    let from = "nova/auth-service, tags: [\"1.4.0\"],";
    let to = "nova/auth-service, tags: [\"0.9.0\"], createRepository: true,";
    let words = ["nova/auth-service:1.4.0` has not been pushed"];
    let place = format!("{TASK} {CONTAINER}/image");
    check(&[(SEED, from, to)], "error missing-image", place, &words).await;
}

#[tokio::test(start_paused = true)]
async fn an_image_for_another_platform() {
    let from = "nova/auth-service, tags: [\"1.4.0\"], platforms: [linux/amd64]";
    let to =
        "nova/auth-service, tags: [\"1.4.0\"], createRepository: true, platforms: [linux/arm64]";
    let words = ["is for linux/arm64", "runs on linux/amd64"];
    let place = format!("{TASK} {CONTAINER}/image");
    check(&[(SEED, from, to)], "error image-platform", place, &words).await;
}

#[tokio::test(start_paused = true)]
async fn a_repository_that_nobody_makes() {
    let image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/elsewhere:1";
    let change = (MANIFEST, "nova/auth-service:1.4.0", image);
    let words = ["the repository `elsewhere` does not exist"];
    let place = format!("{TASK} {CONTAINER}/image");
    check(&[change], "error missing-image", place, &words).await;
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_is_not_there() {
    let to = "      secrets: [{name: KEY, valueFrom: /auth/key}]\n      logConfiguration:";
    let change = (MANIFEST, "      logConfiguration:", to);
    let place = format!("{TASK} {CONTAINER}/secrets/0/valueFrom");
    let words = ["parameter `/auth/key` does not exist"];
    check(&[change], "error missing-parameter", place, &words).await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_not_there_or_has_no_such_stage() {
    for (valid, from, word) in [
        (
            "[prod/other]",
            "prod/db-AbCdEf",
            "prod/db-AbCdEf` does not exist",
        ),
        (
            "[prod/db]",
            "prod/db-AbCdEf:key:AWSPREVIOUS:",
            "AWSPREVIOUS",
        ),
    ] {
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:";
        let secrets = format!(
            "      secrets: [{{name: KEY, valueFrom: \"{arn}{from}\"}}]\n      logConfiguration:"
        );
        let mut files = nova(&AUTH);
        edit(&mut files, MANIFEST, "      logConfiguration:", &secrets);
        edit(
            &mut files,
            SEED,
            "  logGroups:",
            &format!("  secrets: {valid}\n  logGroups:"),
        );
        let judged = Stage::new(files).await.verified().await;
        let place = format!("{TASK} {CONTAINER}/secrets/0/valueFrom");
        only(&judged, "error missing-secret", &place, &[word]);
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_and_parameters_that_are_there() {
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf";
    let secrets = format!(
        "      repositoryCredentials: {{credentialsParameter: \"{arn}\"}}\n      secrets:\n        \
         - {{name: A, valueFrom: \"{arn}:key::\"}}\n        - {{name: B, valueFrom: /auth/key}}\n        \
         - {{name: C, valueFrom: \"arn:aws:ssm:us-east-1:123456789012:parameter/auth/key\"}}\n      logConfiguration:"
    );
    let mut files = nova(&AUTH);
    edit(&mut files, MANIFEST, "      logConfiguration:", &secrets);
    let held =
        "  secrets: [prod/db]\n  parameters: [{name: /auth/key, value: plain-text}]\n  logGroups:";
    edit(&mut files, SEED, "  logGroups:", held);
    let stage = Stage::new(files).await;
    let judged = stage.verified().await;
    assert_eq!((judged.findings.len(), judged.unknown.len()), (0, 0));
    assert!(!format!("{judged:?}").contains("plain-text"));
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_is_not_there() {
    let change = (
        SEED,
        "name: /ecs/nova/auth-service,",
        "name: /ecs/nova/other,",
    );
    let place = format!("{TASK} {CONTAINER}/logConfiguration/options/awslogs-group");
    let words = ["`/ecs/nova/auth-service` does not exist in ap-northeast-1"];
    check(&[change], "error missing-log-group", place, &words).await;
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_the_role_may_not_make() {
    let gone = (
        SEED,
        "name: /ecs/nova/auth-service,",
        "name: /ecs/nova/other,",
    );
    let made = (
        MANIFEST,
        "          awslogs-stream-prefix: auth",
        "          awslogs-stream-prefix: auth\n          awslogs-create-group: \"true\"",
    );
    let denied = (
        SEED,
        "nova-task-execution\", trusts: [ecs-tasks.amazonaws.com]",
        "nova-task-execution\", trusts: [ecs-tasks.amazonaws.com], denies: [\"logs:*\"]",
    );
    let place = format!("{TASK} {CONTAINER}/logConfiguration/options/awslogs-create-group");
    let words = ["may not create it", "logs:CreateLogGroup"];
    let what = "error missing-log-group";
    check(&[gone, made, denied], what, place, &words).await;

    let mut files = nova(&AUTH);
    for (file, from, to) in [gone, made] {
        edit(&mut files, file, from, to);
    }
    assert_eq!(Stage::new(files).await.verified().await.findings, []);
}

#[tokio::test(start_paused = true)]
async fn subnets_that_are_not_there_or_apart() {
    let change = (MANIFEST, "subnet-0a1b2c3d4e5f60004", "subnet-nowhere");
    let words = ["`subnet-nowhere` does not exist"];
    let place = || format!("{SERVICE} {SUBNETS}/1");
    check(&[change], "error missing-subnet", place(), &words).await;

    let from = "60004, vpc: vpc-0a1b2c3d4e5f60001";
    let change = (SEED, from, "60004, vpc: vpc-0a1b2c3d4e5f60009");
    let words = ["subnet-0a1b2c3d4e5f60004` is in vpc-0a1b2c3d4e5f60009"];
    check(&[change], "error other-vpc", place(), &words).await;
}

#[tokio::test(start_paused = true)]
async fn security_groups_that_are_not_there_or_of_another_vpc() {
    let change = (MANIFEST, "sg-0a1b2c3d4e5f60002", "sg-nowhere");
    let place = || format!("{SERVICE} {GROUPS}/0");
    let words = ["`sg-nowhere` does not exist"];
    check(&[change], "error missing-security-group", place(), &words).await;

    let from = "id: sg-0a1b2c3d4e5f60002\n      vpc: vpc-0a1b2c3d4e5f60001";
    let to = "id: sg-0a1b2c3d4e5f60002\n      vpc: vpc-0a1b2c3d4e5f60009";
    let words = ["is in vpc-0a1b2c3d4e5f60009"];
    check(&[(SEED, from, to)], "error other-vpc", place(), &words).await;
}

#[tokio::test(start_paused = true)]
async fn a_vpc_that_is_not_there_or_is_another_one() {
    let of = |name: &str, vpc: &str| {
        format!(
            "name: nova-auth-{name}\nspec:\n  TargetType: ip\n  Protocol: HTTP\n  Port: 8080\n  VpcId: {vpc}"
        )
    };
    let mut files = nova(&AUTH);
    let (from, to) = (
        of("green", "vpc-0a1b2c3d4e5f60001"),
        of("green", "vpc-nowhere"),
    );
    edit(&mut files, MANIFEST, &from, &to);
    let judged = Stage::new(files).await.verified().await;
    let place = "TargetGroup/nova-auth-green /VpcId";
    only(&judged, "error missing-vpc", place, &["`vpc-nowhere`"]);

    let mut files = nova(&AUTH);
    let other = "vpc-0a1b2c3d4e5f60009";
    let (from, to) = (of("blue", "vpc-0a1b2c3d4e5f60001"), of("blue", other));
    edit(&mut files, MANIFEST, &from, &to);
    let judged = Stage::new(files).await.verified().await;
    let place = format!("{SERVICE} /loadBalancers/0/targetGroupArn");
    only(
        &judged,
        "error other-vpc",
        &place,
        &["`nova-auth-blue` is in", other],
    );
}

#[tokio::test(start_paused = true)]
async fn a_load_balancer_of_another_vpc() {
    let other = [
        (
            SEED,
            "60001, vpc: vpc-0a1b2c3d4e5f60001",
            "60001, vpc: vpc-0a1b2c3d4e5f60009",
        ),
        (
            SEED,
            "60002, vpc: vpc-0a1b2c3d4e5f60001",
            "60002, vpc: vpc-0a1b2c3d4e5f60009",
        ),
        (
            SEED,
            "id: sg-0a1b2c3d4e5f60001\n      vpc: vpc-0a1b2c3d4e5f60001",
            "id: sg-0a1b2c3d4e5f60001\n      vpc: vpc-0a1b2c3d4e5f60009",
        ),
    ];
    let place = format!("{SERVICE} /loadBalancers/0/targetGroupArn");
    let words = ["load balancer `nova` is in vpc-0a1b2c3d4e5f60009"];
    check(&other, "error other-vpc", place, &words).await;
}

#[tokio::test(start_paused = true)]
async fn zones_that_the_load_balancer_is_not_in() {
    let to_d = |subnet: &'static str| -> Change {
        match subnet {
            "3" => (SEED, "zone: a, cidr: 10.0.3.0", "zone: d, cidr: 10.0.3.0"),
            _ => (SEED, "zone: c, cidr: 10.0.4.0", "zone: d, cidr: 10.0.4.0"),
        }
    };
    let place = || format!("{SERVICE} {SUBNETS}");
    let words = ["us-east-1d", "no task would get traffic"];
    let all = [to_d("3"), to_d("4")];
    check(&all, "error other-zones", place(), &words).await;
    let words = ["tasks in us-east-1d would get no traffic"];
    check(&all[..1], "warning other-zones", place(), &words).await;

    let one = [
        (SEED, "zone: c, cidr: 10.0.2.0", "zone: a, cidr: 10.0.2.0"),
        (SEED, "zone: c, cidr: 10.0.4.0", "zone: a, cidr: 10.0.4.0"),
    ];
    let place = "LoadBalancer/nova /Subnets".to_owned();
    check(&one, "error one-zone", place, &["us-east-1a"]).await;
}

#[tokio::test(start_paused = true)]
async fn tasks_that_the_load_balancer_does_not_reach() {
    let from = "port: 8080, source: sg-0a1b2c3d4e5f60001";
    let place = || format!("{SERVICE} {GROUPS}");
    let change = (SEED, from, "port: 80, source: sg-0a1b2c3d4e5f60001");
    let words = [
        "let nobody in at port 8080",
        "--source-group sg-0a1b2c3d4e5f60001",
    ];
    check(&[change], "error not-reached", place(), &words).await;
    let change = (SEED, from, "port: 8080, source: sg-0a1b2c3d4e5f60007");
    let words = ["let others in at port 8080"];
    check(&[change], "warning not-reached", place(), &words).await;

    // The load balancer's own subnets.
    let mut files = nova(&AUTH);
    edit(&mut files, SEED, from, "port: 8080, source: 10.0.0.0/16");
    assert_eq!(Stage::new(files).await.verified().await.findings, []);
}

#[tokio::test(start_paused = true)]
async fn a_health_check_at_a_port_that_nobody_maps() {
    let from = "name: nova-auth-blue\nspec:\n  TargetType: ip";
    let to = "name: nova-auth-blue\nspec:\n  HealthCheckPort: \"9000\"\n  TargetType: ip";
    let place = format!("{SERVICE} /loadBalancers/0/targetGroupArn");
    let words = ["checks health at port 9000", "`nova-auth-service`"];
    let change = (MANIFEST, from, to);
    check(&[change], "warning health-check-port", place, &words).await;
}

#[tokio::test(start_paused = true)]
async fn a_deployment_configuration_that_is_not_there_or_not_of_ecs() {
    let place = || format!("{GROUP} /deploymentConfigName");
    let from = "CodeDeployDefault.ECSCanary10Percent5Minutes";
    let what = "error missing-deployment-config";
    let change = (MANIFEST, from, "Slowly");
    check(&[change], what, place(), &["`Slowly` does not exist"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_a_group_names_and_nobody_has() {
    let from = "    - serviceRef: auth-service";
    let to = "    - {clusterName: nova, serviceName: nobody}";
    let place = format!("{GROUP} /ecsServices/0/serviceName");
    let words = ["no service `nobody` in the cluster `nova`"];
    check(
        &[(MANIFEST, from, to)],
        "error missing-service",
        place,
        &words,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_is_not_there() {
    let from = "testTrafficRoute: {listenerRefs: [nova-test]}";
    let to = "testTrafficRoute: {listenerArns: [\"arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/nova/0123456789abcdef/0123456789abcdef\"]}";
    let place = format!(
        "{GROUP} /loadBalancerInfo/targetGroupPairInfoList/0/testTrafficRoute/listenerArns/0"
    );
    let words = ["does not exist in us-east-1"];
    check(
        &[(MANIFEST, from, to)],
        "error missing-listener",
        place,
        &words,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_looked_at_is_said() {
    let mut files = nova(&AUTH);
    edit(
        &mut files,
        MANIFEST,
        "nova/auth-service:1.4.0",
        "nginx:1.27",
    );
    let hooks = "\nrollout:\n  hooks: {BeforeInstall: migrate}\n---\napiVersion: evenkeel.dev/v1alpha1\nkind: DeploymentGroup";
    let from = "\n---\napiVersion: evenkeel.dev/v1alpha1\nkind: DeploymentGroup";
    edit(&mut files, MANIFEST, from, hooks);
    let judged = Stage::new(files).await.verified().await;
    assert_eq!(judged.findings, []);
    let told: Vec<&str> = judged
        .unchecked
        .iter()
        .map(|one| one.what.as_str())
        .collect();
    assert_eq!(told, ["hook function migrate", "image nginx:1.27"]);
}
