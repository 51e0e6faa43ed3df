//! Faults that rules are there against, put back in by the tests that show what each of them does.
//!
//! A day lists its faults with [`faults!`](crate::faults), asks at the one line that a rule is about whether its fault is put
//! in, and tests with it and without. Outside of tests every question is answered with no, and costs nothing.

/// Makes the enum `Fault` of a crate, the question `put_in(fault)`, and in tests `with(fault, test)`.
#[macro_export]
macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident),+ $(,)?) => {
        /// What can be broken again.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Fault {
            $($(#[$doc])* $fault,)+
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
    };
}

faults! {
    /// A stuck lane holds back those behind it.
    StuckLaneHoldsBackOthers,
    /// A stuck branch of a tee or a split holds back the other.
    StuckBranchHoldsBackOther,
    /// A stuck task goes on, and queues without bound.
    StepsWhileStuck,
    /// The linger of a stuck task stands still.
    NoLingerWhileStuck,
    /// Mail is taken before the first turn.
    MailBeforeFirstTurn,
    /// Packets are taken as long as there are any, and mail after them.
    PacketsBeforeMail,
}
