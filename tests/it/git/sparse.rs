//! What a fetch brings of a repository of which one path is read: no more than that where the server leaves
//! out what it is told to, and all of it elsewhere.

use super::*;

/// A repository with three incompressible MiB beside `prod`.
fn with_noise() -> Repo {
    let repo = Repo::new();
    let mut seed = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        seed.to_be_bytes()[0]
    })
    .take(3 * 1024 * 1024)
    .collect();
    std::fs::write(repo.path().join("noise"), noise).unwrap();
    repo.write("prod/x/y/b.yaml", &cluster("b"));
    repo.commit("noise");
    repo
}

#[tokio::test]
async fn a_path_is_fetched_without_the_rest_and_later_what_changed_alone() {
    let (repo, store) = (with_noise(), tempfile::tempdir().unwrap());
    let server = Server::http(&repo, &[]);
    let address = server.address(&repo, "", "branch=main&path=prod&maxPackMiB=1");
    let start = || lasting(&[&address], Some(store.path()));
    let sources = start();
    assert_eq!(
        held(&look(&sources).await.unwrap()),
        ["a.yaml", "x/y/b.yaml"]
    );
    let first = server.requests();
    assert!(bytes(&first) < 10_000, "{first:#?}");
    for index in 0..100 {
        repo.write(&format!("elsewhere/{index}.yaml"), &cluster("e"));
    }
    repo.write("prod/x/y/c.yaml", &cluster("c"));
    let id = repo.commit("more");
    let read = look(&sources).await.unwrap();
    assert_eq!((commit_of(&read), trouble(&read)), (id.as_str(), None));
    assert_eq!(held(&read), ["a.yaml", "x/y/b.yaml", "x/y/c.yaml"]);
    let second = server.requests()[first.len()..].to_vec();
    assert!(bytes(&second) < 5_000, "{second:#?}");
    // What is there is enough for a restart without a server.
    drop((server, sources));
    let read = look(&start()).await.unwrap();
    assert_eq!(commit_of(&read), id);
    assert_eq!(held(&read).len(), 3);
}

#[tokio::test]
async fn a_server_that_gives_no_parts_gives_the_whole() {
    let refusing = [("uploadpackfilter.allow", "false")];
    let without = [("uploadpack.allowFilter", "false")];
    for (settings, way) in [
        (&refusing[..], "none"),
        (&without[..], "none"),
        (&[][..], "old"),
    ] {
        let repo = Repo::new();
        for (name, value) in settings {
            repo.git(&["config", name, value]);
        }
        let server = Server::http(&repo, &[&format!("--way={way}")]);
        let address = server.address(&repo, "", "branch=main&path=prod");
        super::history::forward_and_rewritten(&repo, &address).await;
    }
}

#[tokio::test]
async fn a_server_that_stops_giving_parts_is_asked_for_the_whole() {
    let (repo, store) = (Repo::new(), tempfile::tempdir().unwrap());
    repo.write("other/b.yaml", &cluster("b"));
    repo.commit("other");
    let server = Server::http(&repo, &[]);
    let of = |path: &str| server.address(&repo, "", &format!("branch=main&path={path}"));
    let addresses = [of("prod"), of("other")];
    let addresses = [addresses[0].as_str(), addresses[1].as_str()];
    let sources = lasting(&addresses, Some(store.path()));
    look(&sources).await.unwrap();
    repo.git(&["config", "uploadpack.allowFilter", "false"]);
    repo.write("other/c.yaml", &cluster("c"));
    let id = repo.commit("more");
    let read = look(&sources).await.unwrap();
    assert_eq!((commit_of(&read), trouble(&read)), (id.as_str(), None));
    assert_eq!(read.files.len(), 3);
}

#[tokio::test]
async fn a_commit_that_only_a_branch_leads_to_is_found_at_an_old_server() {
    let repo = Repo::new();
    let id = repo.git(&["rev-parse", "HEAD"]);
    repo.write("prod/b.yaml", &cluster("b"));
    repo.commit("more");
    let server = Server::http(&repo, &["--way=old"]);
    let of = |id: &str| sources(&[&server.address(&repo, "", &format!("commit={id}&path=prod"))]);
    let read = look(&of(&id)).await.unwrap();
    assert_eq!((commit_of(&read), held(&read).len()), (id.as_str(), 1));
    let error = look(&of(&"1".repeat(40))).await.unwrap_err();
    let trouble = error.sources[0].trouble.clone().unwrap();
    assert_eq!(trouble.reason.label(), "NoRevision", "{error}");
    assert!(
        trouble.message.contains("no branch or tag leads to it"),
        "{error}"
    );
}

#[tokio::test]
async fn one_folder_of_a_monorepo_costs_a_part_of_the_whole() {
    let repo = Repo::monorepo();
    let server = Server::http(&repo, &[]);
    let mut costs = Vec::new();
    for (what, filter) in [("in parts", "true"), ("whole", "false")] {
        repo.git(&["config", "uploadpack.allowFilter", filter]);
        let sources = sources(&[&server.address(&repo, "", "branch=main&path=services/7")]);
        for step in ["first read", "change of one file"] {
            let before = server.requests().len();
            let read = look(&sources).await.unwrap();
            assert_eq!((read.files.len(), trouble(&read)), (100, None));
            let requests = server.requests()[before..].to_vec();
            let cost = bytes(&requests);
            println!("{what}, {step}: {} requests, {cost} bytes", requests.len());
            costs.push(cost);
            repo.write("services/7/107.yaml", &cluster(what));
            repo.commit("change");
        }
    }
    let [parts, of_parts, whole, of_whole] = costs[..] else {
        panic!("{costs:?}");
    };
    assert!(parts * 20 < whole, "{costs:?}");
    // Later fetches are told what is there.
    assert!(of_parts * 2 < parts, "{costs:?}");
    assert!(of_whole * 50 < whole, "{costs:?}");
}
