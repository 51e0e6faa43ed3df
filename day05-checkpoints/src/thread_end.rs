//! How a thread that answers requests comes to its end: the target of a sink has one, and the store of checkpoints.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How long whoever goes waits for the end of the thread.
const WITHIN: Duration = Duration::from_millis(200);

/// Takes the requests away, behind which there is only the end, and gives the thread a moment for it: what it holds, such as
/// the lock of a folder, is then free for the next run. One that hangs is not waited for.
pub(crate) fn let_end<Q, A>(requests: &mut Sender<Q>, answers: &Receiver<A>) {
    *requests = channel().0;
    while answers.recv_timeout(WITHIN).is_ok() {}
}
