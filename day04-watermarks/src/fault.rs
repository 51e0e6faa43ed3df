//! The faults that the liveness rules of this day are there against, put back in by the tests that show what each of them
//! does. Outside of tests every question is answered with no, and costs nothing.

/// What can be broken again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A restored source says its watermark only when it next moves.
    RestoredSourceIsSilent,
    /// A restored stage does not know its watermark any more.
    NoFloor,
    /// Time in which a source is stuck counts as silence of its splits.
    BlockedCountsAsIdle,
}

#[cfg(not(test))]
pub(crate) const fn put_in(_: Fault) -> bool {
    false
}

#[cfg(test)]
thread_local! {
    static PUT_IN: std::cell::Cell<Option<Fault>> = const { std::cell::Cell::new(None) };
}

#[cfg(test)]
pub(crate) fn put_in(fault: Fault) -> bool {
    PUT_IN.get() == Some(fault)
}

/// Runs `test` on this thread with a fault put in, or, for comparison, with none.
#[cfg(test)]
pub(crate) fn with<T>(fault: Option<Fault>, test: impl FnOnce() -> T) -> T {
    /// Takes the fault out, also when the test fails.
    struct TakenOut;
    impl Drop for TakenOut {
        fn drop(&mut self) {
            PUT_IN.set(None);
        }
    }
    let _taken_out = TakenOut;
    PUT_IN.set(fault);
    test()
}
