//! One HTTP request over a socket, for tests of the servers. Not a client: no keep-alive, no redirect.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use tokio::task::spawn_blocking;

/// Sends a request, `Connection: close` among its headers; gives the answer's status code and body.
pub(super) async fn exchange(address: SocketAddr, request: String) -> (u16, String) {
    let answer = spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    });
    let answer = answer.await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, body.to_owned())
}
