//! The faults that the rules of this day are there against, put back in by the tests that show what each of them does.
//! Outside of tests every question is answered with no, and costs nothing.

/// What can be broken again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The aligner holds no channel back.
    AlignerAcceptsEverything,
    /// A source sends barriers also after its last checkpoint.
    BarrierAfterFinish,
    /// A checkpoint that takes too long is given up, and the next one has no more time.
    TimeoutStays,
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
