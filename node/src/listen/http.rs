//! HTTP connections: handed to the web crate as they are.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use essaim_web::{Node, Router, Surface, Timeouts};

use super::Protocol;
use crate::shutdown::Stop;
use crate::stream::Stream;

/// What is served on `http` and `https`.
#[derive(Debug)]
pub(crate) struct Http {
    router: Router,
    timeouts: Timeouts,
}

impl Http {
    pub(crate) fn new(node: Arc<dyn Node>, surface: Surface, silence: Duration) -> Self {
        Self { router: essaim_web::router(node, surface), timeouts: Timeouts { head: silence } }
    }
}

impl Protocol for Http {
    fn busy(&self) -> Bytes {
        Bytes::from_static(
            b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        )
    }

    async fn serve(&self, stream: Stream, _peer: IpAddr, stop: Stop) -> io::Result<()> {
        essaim_web::serve(stream, self.router.clone(), self.timeouts, stop.requested()).await;
        Ok(())
    }
}
