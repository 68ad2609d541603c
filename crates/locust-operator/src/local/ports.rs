//! Free ports on loopback for a master.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A port that is kept for a program to listen on.
///
/// The socket is bound and never listens. The kernel gives such a port to
/// nobody who asks for any free one, and lets the program bind it as well,
/// since both say `SO_REUSEADDR` (Locust does, for both of its ports). So
/// nobody can take it between choosing it and using it.
#[derive(Debug)]
pub struct Reserved {
    port: u16,
    _socket: TcpSocket,
}

impl Reserved {
    /// Any free port, or this one.
    pub fn new(wanted: Option<u16>) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, wanted.unwrap_or(0))))?;
        Ok(Self {
            port: socket.local_addr()?.port(),
            _socket: socket,
        })
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reserved_port_can_be_listened_on_and_a_used_one_not_be_reserved() {
        let reserved = Reserved::new(None).unwrap();
        let program = TcpSocket::new_v4().unwrap();
        program.set_reuseaddr(true).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, reserved.port()));
        program.bind(address).unwrap();
        let _listener = program.listen(1).unwrap();
        let again = Reserved::new(Some(reserved.port()));
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
