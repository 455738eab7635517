//! HTTPS against a server whose certificate a CA of this test's own has signed. Needs `openssl`.

use super::*;
use crate::e2e::program::{Program, command};

const CONFIGURATION: &str = "\
[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = test
[ca]
basicConstraints = critical, CA:TRUE
[server]
basicConstraints = CA:FALSE
subjectAltName = DNS:localhost
";

/// A CA (`ca.pem`), and a certificate of `localhost` with its key (`server.pem`).
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("conf"), CONFIGURATION).unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config conf";
    for arguments in [
        format!("req -x509 {key} -keyout ca.key -out ca.pem"),
        format!("req {key} -keyout server.key -out server.csr"),
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile conf \
         -extensions server -out server.crt"
            .to_owned(),
    ] {
        let done = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments}: {done:?}");
    }
    let both = ["server.crt", "server.key"]
        .map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap());
    std::fs::write(folder.path().join("server.pem"), both.concat()).unwrap();
    folder
}

#[test]
fn a_server_is_trusted_by_its_ca_and_its_name() {
    let (repo, folder) = (Repo::new(), certificates());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let server = Server::http(
        &repo,
        &["--auth", "user:canary", "--tls", &path("server.pem")],
    );
    let (name, port) = (repo.path().file_name().unwrap(), server.address.port());
    let name = name.to_str().unwrap();
    let validate = |host: &str, ca: Option<&str>| {
        let address =
            format!("git+https://user:canary@{host}:{port}/{name}/.git?branch=main&path=prod");
        let mut validate = command(&["validate", &address]);
        validate.envs(ca.map(|ca| ("SSL_CERT_FILE", path(ca))));
        Program::start(&mut validate).finished()
    };
    for (host, ca) in [("localhost", None), ("127.0.0.1", Some("ca.pem"))] {
        let done = validate(host, ca);
        assert_eq!(done.code, Some(1), "{host}: {}", done.stderr);
        assert!(done.stderr.contains("certificate"), "{}", done.stderr);
        assert!(!done.stderr.contains("canary"), "{}", done.stderr);
    }
    assert_eq!(server.requests(), Vec::<String>::new());
    let done = validate("localhost", Some("ca.pem"));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(!server.requests().is_empty());
}
