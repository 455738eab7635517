//! Manifests in SSM's Parameter Store, over the simulated AWS: pages, parts, labels, generations, and
//! what must not be taken for the desired state.

mod program;
pub(crate) mod store;

use evenkeel::source::{Access, Address, Eagerness, Sources, Together};
use serde_json::json;

use self::store::Store;

fn source(store: &Store, address: &str) -> Sources {
    let access = Access {
        aws: store.connector(),
        ..Access::default()
    };
    Sources::new(vec![Address::parse(address).unwrap()], &access)
}

/// What is there now.
async fn look(source: &Sources) -> Result<Together, String> {
    let read = source.read(Eagerness::Now).await;
    read.and_then(Together::current)
        .map_err(|error| error.to_string())
}

async fn read(store: &Store, address: &str) -> Result<Together, String> {
    look(&source(store, address)).await
}

fn paths(read: &Together) -> Vec<&str> {
    read.files.iter().map(|file| file.path.as_str()).collect()
}

fn text(read: &Together, path: &str) -> String {
    let file = read.files.iter().find(|file| file.path == path);
    String::from_utf8(file.unwrap().bytes.clone()).unwrap()
}

fn reason(read: &Together) -> Option<&'static str> {
    let trouble = read.sources[0].trouble.as_ref();
    trouble.map(|trouble| trouble.reason.label())
}

#[tokio::test]
async fn every_page_is_read_also_past_empty_ones() {
    let names: Vec<String> = (0..23).map(|n| format!("/ek/prod/s/{n:02}")).collect();
    let all: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a: 1")).collect();
    let store = Store::new(&all);
    store.put("/ek/production/other", "no");
    store.put("/ek/prod.generation", "no");
    let plain = read(&store, "ssm:/ek/prod/").await.unwrap();
    assert_eq!(plain.files.len(), 23);
    assert_eq!(paths(&plain)[0], "ssm:/ek/prod/s/00.yaml");
    assert_eq!(store.asked().len(), 3);
    store.with_empty_pages();
    let again = read(&store, "ssm:/ek/prod/").await.unwrap();
    assert_eq!((again.files, again.revision), (plain.files, plain.revision));
    assert_eq!(store.asked().len(), 6);
}

#[tokio::test]
async fn a_manifest_in_parts_is_one_file_and_a_missing_part_is_an_error() {
    let store = Store::new(&[
        ("/ek/web.part-2-of-2", "b: 2\n"),
        ("/ek/web.part-1-of-2", "a: 1\n"),
    ]);
    let whole = read(&store, "ssm:/ek").await.unwrap();
    assert_eq!(text(&whole, "ssm:/ek/web.yaml"), "a: 1\nb: 2\n");
    store.ask("DeleteParameter", &json!({"Name": "/ek/web.part-1-of-2"}));
    let error = read(&store, "ssm:/ek").await.unwrap_err();
    assert!(error.contains("part 1 of 2 is missing"), "{error}");
}

#[tokio::test]
async fn nothing_under_the_path_is_an_error_and_not_an_empty_set() {
    let store = Store::new(&[("/other", "x")]);
    for address in ["ssm:/ek", "ssm:/ek?label=live"] {
        let error = read(&store, address).await.unwrap_err();
        assert!(
            error.contains("an empty source is not taken for an empty desired state"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_label_pins_the_version_until_it_is_moved() {
    let store = Store::new(&[("/ek/web", "tag: 1")]);
    let label = |version: i64| {
        let input = json!({"Name": "/ek/web", "ParameterVersion": version, "Labels": ["live"]});
        store.ask("LabelParameterVersion", &input);
    };
    label(1);
    store.put("/ek/web", "tag: 2");
    store.put("/ek/new", "tag: 1");
    let pinned = read(&store, "ssm:/ek?label=live").await.unwrap();
    assert_eq!(paths(&pinned), ["ssm:/ek@live/web.yaml"]);
    assert_eq!(text(&pinned, "ssm:/ek@live/web.yaml"), "tag: 1");
    label(2);
    let moved = read(&store, "ssm:/ek?label=live").await.unwrap();
    assert_eq!(text(&moved, "ssm:/ek@live/web.yaml"), "tag: 2");
    assert_ne!(moved.revision, pinned.revision);
}

#[tokio::test]
async fn a_generation_that_stands_still_costs_one_call() {
    let store = Store::new(&[("/ek/p/web", "tag: 1"), ("/ek/generation", "1")]);
    let source = source(&store, "ssm:/ek/p?generation=/ek/generation");
    let first = look(&source).await.unwrap();
    assert_eq!(
        store.asked(),
        ["GetParameter", "GetParametersByPath", "GetParameter"]
    );
    // What is written without a new generation is not finished.
    store.put("/ek/p/web", "tag: 2");
    let same = look(&source).await.unwrap();
    assert_eq!(
        (&same.files, &same.revision),
        (&first.files, &first.revision)
    );
    assert_eq!(same.sources[0].look.unwrap().result, "not_modified");
    assert_eq!(store.asked(), ["GetParameter"]);
    store.put("/ek/generation", "1");
    let second = look(&source).await.unwrap();
    assert_eq!(text(&second, "ssm:/ek/p/web.yaml"), "tag: 2");
    let generation = |read: &Together| read.sources[0].generation;
    assert_eq!((generation(&same), generation(&second)), (Some(1), Some(2)));
}

#[tokio::test]
async fn a_generation_that_moves_meanwhile_gives_nothing_until_it_rests() {
    let store = Store::new(&[("/ek/web", "tag: 1"), ("/ek/generation", "1")]);
    let source = source(&store, "ssm:/ek?generation=/ek/generation");
    store.before("GetParametersByPath", |store| {
        store.put("/ek/web", "tag: 2");
        store.put("/ek/generation", "2");
    });
    let error = look(&source).await.unwrap_err();
    assert!(
        error.contains("changed while the manifests were read"),
        "{error}"
    );
    let rested = look(&source).await.unwrap();
    assert_eq!(
        paths(&rested),
        ["ssm:/ek/web.yaml"],
        "the generation is no manifest"
    );
    assert_eq!(text(&rested, "ssm:/ek/web.yaml"), "tag: 2");
    store.ask("DeleteParameter", &json!({"Name": "/ek/generation"}));
    let error = look(&source).await.unwrap_err();
    assert!(error.contains("/ek/generation is not there"), "{error}");
}

#[tokio::test]
async fn a_promotion_is_one_step() {
    let store = Store::new(&[
        ("/ek/p/a", "tag: 1"),
        ("/ek/p/b", "tag: 1"),
        ("/ek/generation", "1"),
    ]);
    let label = |name: &str, version: i64| {
        let input = json!({"Name": name, "ParameterVersion": version, "Labels": ["live"]});
        store.ask("LabelParameterVersion", &input);
    };
    let source = source(&store, "ssm:/ek/p?label=live&generation=/ek/generation");
    let error = look(&source).await.unwrap_err();
    let told = "the generation parameter /ek/generation:live is not there";
    assert!(error.contains(told), "{error}");
    for name in ["/ek/p/a", "/ek/p/b", "/ek/generation"] {
        label(name, 1);
    }
    let tags =
        |read: &Together| ["a", "b"].map(|name| text(read, &format!("ssm:/ek/p@live/{name}.yaml")));
    let first = look(&source).await.unwrap();
    assert_eq!(tags(&first), ["tag: 1", "tag: 1"]);
    // What is new, and half of the labels, change nothing.
    for name in ["/ek/p/a", "/ek/p/b", "/ek/generation"] {
        store.put(name, "tag: 2");
    }
    label("/ek/p/a", 2);
    store.asked();
    let half = look(&source).await.unwrap();
    assert_eq!(
        (&half.files, store.asked().as_slice()),
        (&first.files, &["GetParameter".to_owned()][..])
    );
    label("/ek/p/b", 2);
    label("/ek/generation", 2);
    let second = look(&source).await.unwrap();
    assert_eq!(tags(&second), ["tag: 2", "tag: 2"]);
    assert_eq!(second.sources[0].generation, Some(2));
    // And back.
    for name in ["/ek/p/a", "/ek/p/b", "/ek/generation"] {
        label(name, 1);
    }
    assert_eq!(look(&source).await.unwrap().files, first.files);
}

#[tokio::test]
async fn what_a_poll_that_finds_nothing_new_costs() {
    let manifest = "x".repeat(3000);
    let names: Vec<String> = (0..20).map(|n| format!("/ek/p/{n:02}")).collect();
    let all: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), manifest.as_str()))
        .collect();
    let store = Store::new(&all);
    store.put("/ek/generation", "1");
    let mut costs = Vec::new();
    for address in ["ssm:/ek/p", "ssm:/ek/p?generation=/ek/generation"] {
        let source = source(&store, address);
        look(&source).await.unwrap();
        store.asked();
        store.bytes();
        look(&source).await.unwrap();
        let cost = (store.asked().len(), store.bytes());
        println!("{address}: {} requests, {} bytes of bodies", cost.0, cost.1);
        costs.push(cost);
    }
    assert_eq!((costs[0].0, costs[1].0), (2, 1));
    assert!(costs[0].1 > 60_000 && costs[1].1 < 500, "{costs:?}");
}

#[tokio::test]
async fn an_encrypted_parameter_is_read_only_if_it_is_declared() {
    let store = Store::new(&[]);
    store.put_as("/ek/web", "tag: hush", "SecureString");
    let error = read(&store, "ssm:/ek").await.unwrap_err();
    assert!(error.contains("/ek/web is a SecureString"), "{error}");
    assert!(!error.contains("hush"), "{error}");
    let read = read(&store, "ssm:/ek?decrypt=true").await.unwrap();
    assert_eq!(text(&read, "ssm:/ek/web.yaml"), "tag: hush");
}

#[tokio::test]
async fn what_was_read_last_stays_while_it_cannot_be_read() {
    let store = Store::new(&[("/ek/web", "tag: 1")]);
    let source = source(&store, "ssm:/ek");
    let first = look(&source).await.unwrap();
    store.ask("DeleteParameter", &json!({"Name": "/ek/web"}));
    let empty = source.read(Eagerness::Now).await.unwrap();
    assert_eq!(
        (&empty.files, reason(&empty)),
        (&first.files, Some("Empty"))
    );
    store.put("/ek/web.part-1-of-2", "tag: 2");
    let half = source.read(Eagerness::Now).await.unwrap();
    assert_eq!(
        (&half.files, reason(&half)),
        (&first.files, Some("Unreadable"))
    );
    store.deny("GetParametersByPath");
    let denied = source.read(Eagerness::Now).await.unwrap();
    assert_eq!(
        (&denied.files, reason(&denied)),
        (&first.files, Some("Denied"))
    );
    let complaint = denied.complaint().unwrap();
    assert!(
        complaint.starts_with("ssm:/ek/: ") && complaint.contains("AccessDenied"),
        "{complaint}"
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_when_its_interval_is_over() {
    let store = Store::new(&[("/ek/web", "tag: 1")]);
    let source = source(&store, "ssm:/ek?interval=5m");
    source.read(Eagerness::Due).await.unwrap();
    store.asked();
    tokio::time::advance(std::time::Duration::from_mins(4)).await;
    source.read(Eagerness::Due).await.unwrap();
    assert_eq!(store.asked(), Vec::<String>::new());
    tokio::time::advance(source.next_due().await.unwrap()).await;
    source.read(Eagerness::Due).await.unwrap();
    assert_eq!(store.asked(), ["GetParametersByPath"]);
    source.read(Eagerness::Now).await.unwrap();
    assert_eq!(store.asked(), ["GetParametersByPath"]);
}

#[tokio::test]
async fn an_address_may_name_another_region() {
    let store = Store::new(&[("/ek/web", "tag: 1")]);
    let error = read(&store, "ssm:/ek?region=eu-west-1").await.unwrap_err();
    assert!(error.contains("no manifest under /ek"), "{error}");
    let here = read(&store, "ssm:/ek?region=eu-central-1").await.unwrap();
    assert_eq!(paths(&here), ["ssm:eu-central-1/ek/web.yaml"]);
}

#[tokio::test]
async fn a_terraform_state_is_no_manifest() {
    let state = r#"{"version": 4}"#;
    let store = Store::new(&[("/ek/net.tfstate", state), ("/ek/web", "tag: 1")]);
    let both = read(&store, "ssm:/ek").await.unwrap();
    assert_eq!(paths(&both), ["ssm:/ek/web.yaml"]);
    assert_eq!(both.states.len(), 1);
    assert_eq!(both.states[0].path, "ssm:/ek/net.tfstate");
    assert_eq!(both.states[0].bytes, state.as_bytes());
    // Its change is one of the source.
    store.put("/ek/net.tfstate", r#"{"version": 4, "serial": 2}"#);
    let after = read(&store, "ssm:/ek").await.unwrap();
    assert_ne!(after.revision, both.revision);
    // Alone it is no desired state.
    store.ask("DeleteParameter", &json!({"Name": "/ek/web"}));
    let error = read(&store, "ssm:/ek").await.unwrap_err();
    assert!(error.contains("no manifest under /ek"), "{error}");
}
