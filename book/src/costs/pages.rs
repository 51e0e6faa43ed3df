//! Which benchmarks stand side by side on which page, and which single numbers its prose takes from them.

/// A table or a chart of a page: designs of one benchmark, the first being what the others are compared with.
pub(super) struct Comparison {
    /// The folder of its page; empty for the one above all days.
    pub day: &'static str,
    /// The file, of which the ending says how it is rendered: `.svg` as a chart, `.md` as a table.
    pub file: &'static str,
    pub title: &'static str,
    /// What each row is called, and its benchmark.
    pub rows: &'static [(&'static str, &'static str)],
}

/// The benchmarks whose results are kept.
pub const BENCHES: &[&str] = &[
    "ladder",
    "consume",
    "decode",
    "count",
    "exchange",
    "scaling",
    "state",
    "snapshot",
    "overlap",
    "session",
    "fire",
    "watermarks",
    "checkpoint",
    "sql",
    "join",
];

/// What the ladder of all days costs, in the order in which one climbs.
const LADDER: &[(&str, &str)] = &[
    ("day 1: totals, the loop", "ladder-cpu/totals/day01"),
    ("day 2: totals, one source, one worker", "ladder-cpu/totals/day02"),
    ("day 3: totals", "ladder-cpu/totals/day03"),
    ("day 3: windows of ten seconds", "ladder-cpu/tumble/day03"),
    ("day 4: windows, by watermarks", "ladder-cpu/tumble/day04"),
    (
        "day 5: windows, no checkpoints",
        "ladder-cpu/tumble-no-checkpoints/day05",
    ),
    ("day 5: windows, with checkpoints", "ladder-cpu/tumble/day05"),
    ("day 6: totals, in SQL", "ladder-cpu/totals/day06"),
    ("day 6: windows, in SQL", "ladder-cpu/tumble/day06"),
];

/// The title of the ladder.
const ALL_JOBS: &str = "The jobs of all days, CPU time per order";

pub(super) const COMPARISONS: &[Comparison] = &[
    Comparison {
        day: "",
        file: "ladder.md",
        title: ALL_JOBS,
        rows: LADDER,
    },
    Comparison {
        day: "",
        file: "ladder.svg",
        title: ALL_JOBS,
        rows: LADDER,
    },
    Comparison {
        day: "day01",
        file: "decode.svg",
        title: "One field out of an order, CPU time per order",
        rows: &[
            ("any JSON (Value)", "decode/value"),
            ("a struct that owns", "decode/owned-struct"),
            ("a struct that borrows", "decode/borrowed-struct"),
            ("only one field", "decode/one-field"),
            ("… and UTF-8 once a batch", "decode/batch-wise"),
        ],
    },
    Comparison {
        day: "day01",
        file: "count-few.svg",
        title: "Counting under 1,000 merchants, CPU time per order",
        rows: &[
            ("the map of std", "count/std-map/1000"),
            ("a faster hash", "count/foldhash/1000"),
            ("dense ids", "count/dense-ids/1000"),
        ],
    },
    Comparison {
        day: "day01",
        file: "count-many.svg",
        title: "Counting under 1,000,000 merchants, CPU time per order",
        rows: &[
            ("the map of std", "count/std-map/1000000"),
            ("a faster hash", "count/foldhash/1000000"),
            ("dense ids", "count/dense-ids/1000000"),
        ],
    },
    Comparison {
        day: "day01",
        file: "consume.md",
        title: "Reading from the sandbox, CPU time per order (the broker's included)",
        rows: &[
            ("one message a call", "consume/poll"),
            ("many messages a call", "consume/batch"),
            ("… and the whole job", "consume/job"),
        ],
    },
    Comparison {
        day: "day02",
        file: "exchange.svg",
        title: "One source to one worker, CPU time per row",
        rows: &[
            ("packets of 1 row", "exchange/1x1/1"),
            ("of 256 rows", "exchange/1x1/256"),
            ("of 1,000 rows", "exchange/1x1/1000"),
            ("of 8,000 rows", "exchange/1x1/8000"),
            ("… and counted by key", "exchange-count/1x1/8000"),
        ],
    },
    Comparison {
        day: "day02",
        file: "exchange-two.svg",
        title: "Two sources to two workers, CPU time per row",
        rows: &[
            ("packets of 1 row", "exchange/2x2/1"),
            ("of 256 rows", "exchange/2x2/256"),
            ("of 1,000 rows", "exchange/2x2/1000"),
            ("of 8,000 rows", "exchange/2x2/8000"),
            ("… and counted by key", "exchange-count/2x2/8000"),
        ],
    },
    Comparison {
        day: "day02",
        file: "scaling-wall.svg",
        title: "From JSON to totals, time on the clock per order",
        rows: &[
            ("one loop", "scaling-wall/fused"),
            ("1 source, 1 worker", "scaling-wall/tasks/1"),
            ("2 sources, 2 workers", "scaling-wall/tasks/2"),
        ],
    },
    Comparison {
        day: "day02",
        file: "scaling.svg",
        title: "From JSON to totals, CPU time per order",
        rows: &[
            ("one loop", "scaling-cpu/fused"),
            ("1 source, 1 worker", "scaling-cpu/tasks/1"),
            ("2 sources, 2 workers", "scaling-cpu/tasks/2"),
            ("1 and 1, summed up before", "scaling-cpu/local/1"),
            ("2 and 2, summed up before", "scaling-cpu/local/2"),
        ],
    },
    Comparison {
        day: "day02",
        file: "state-few.svg",
        title: "Counting under 1,000 keys, CPU time per row",
        rows: &[
            ("the map of std", "state/std-map/1000/uniform"),
            ("hashbrown, a faster hash", "state/hashbrown/1000/uniform"),
            ("the table, row by row", "state/table-row-by-row/1000/uniform"),
            ("the table, a batch a call", "state/table/1000/uniform"),
        ],
    },
    Comparison {
        day: "day02",
        file: "state-many.svg",
        title: "Counting under 1,000,000 keys, CPU time per row",
        rows: &[
            ("the map of std", "state/std-map/1000000/uniform"),
            ("hashbrown, a faster hash", "state/hashbrown/1000000/uniform"),
            ("the table, row by row", "state/table-row-by-row/1000000/uniform"),
            ("the table, a batch a call", "state/table/1000000/uniform"),
        ],
    },
    Comparison {
        day: "day02",
        file: "snapshot.md",
        title: "1,000,000 keys, CPU time",
        rows: &[
            ("a full copy", "snapshot/clone/1000000"),
            ("freezing", "snapshot/freeze/1000000"),
            ("the first batch after it", "snapshot/first-batch/1000000"),
        ],
    },
    Comparison {
        day: "day02",
        file: "snapshot-large.md",
        title: "10,000,000 keys, CPU time",
        rows: &[
            ("a full copy", "snapshot/clone/10000000"),
            ("freezing", "snapshot/freeze/10000000"),
            ("the first batch after it", "snapshot/first-batch/10000000"),
        ],
    },
    Comparison {
        day: "day02",
        file: "ladder.md",
        title: "Totals per merchant, CPU time per order",
        rows: &[
            ("day 1: the loop", "ladder-cpu/totals/day01"),
            ("day 2: one source, one worker", "ladder-cpu/totals/day02"),
        ],
    },
    Comparison {
        day: "day03",
        file: "overlap.svg",
        title: "Count, sum, min and max by key and window, CPU time per row",
        rows: &[
            ("tumbling", "overlap/summary/1"),
            ("hop, overlap 6", "overlap/summary/6"),
            ("hop, overlap 60", "overlap/summary/60"),
            ("hop, overlap 600", "overlap/summary/600"),
        ],
    },
    Comparison {
        day: "day03",
        file: "naive.md",
        title: "Each row into each of its windows, CPU time per row",
        rows: &[
            ("slices, overlap 6", "overlap/summary/6"),
            ("every window, overlap 6", "overlap/naive/6"),
            ("every window, overlap 60", "overlap/naive/60"),
            ("every window, overlap 600", "overlap/naive/600"),
        ],
    },
    Comparison {
        day: "day03",
        file: "fire.md",
        title: "1,000,000 keys, CPU time per result",
        rows: &[
            ("a timer for each key", "fire/timers"),
            ("a table for the slice", "fire/slices"),
        ],
    },
    Comparison {
        day: "day03",
        file: "session.svg",
        title: "10,000 keys, CPU time per row",
        rows: &[
            ("tumbling", "session/tumble/10000"),
            ("rows extend a session", "session/extend/10000"),
            ("rows begin a session", "session/begin/10000"),
        ],
    },
    Comparison {
        day: "day03",
        file: "ladder.md",
        title: "The jobs of all days, CPU time per order",
        rows: &[
            ("day 1: totals, the loop", "ladder-cpu/totals/day01"),
            ("day 2: totals, one source, one worker", "ladder-cpu/totals/day02"),
            ("day 3: totals", "ladder-cpu/totals/day03"),
            ("day 3: windows of ten seconds", "ladder-cpu/tumble/day03"),
        ],
    },
    Comparison {
        day: "day04",
        file: "ladder.md",
        title: ALL_JOBS,
        rows: LADDER.split_at(5).0,
    },
    Comparison {
        day: "day04",
        file: "watermarks.md",
        title: "Windows of ten seconds, CPU time per order",
        rows: &[
            ("closed by stream time", "watermarks-cpu/none"),
            ("closed by watermarks", "watermarks-cpu/by-split"),
        ],
    },
    Comparison {
        day: "day05",
        file: "ladder.md",
        title: ALL_JOBS,
        rows: LADDER.split_at(7).0,
    },
    Comparison {
        day: "day05",
        file: "checkpoint.md",
        title: "Windows of ten seconds, CPU time per order",
        rows: &[
            ("no checkpoint but the last", "checkpoint-cpu/none"),
            ("one each second", "checkpoint-cpu/1s"),
            ("ten each second", "checkpoint-cpu/100ms"),
        ],
    },
    Comparison {
        day: "day06",
        file: "sql.md",
        title: "Orders per merchant on one thread, CPU time per order",
        rows: &[
            ("the loop of day 1", "sql-count/by-hand"),
            ("in SQL", "sql-count/sql"),
            ("… reading all columns", "sql-count/sql-all"),
            ("… taking each order by itself", "sql-count/sql-each-row"),
        ],
    },
];

/// A number as prose shows it.
pub(super) enum Shown {
    /// One benchmark against the sum of some others, with so many digits.
    Ratio(&'static str, &'static [&'static str], usize),
    /// The same, rounded to tens.
    AboutTimes(&'static str, &'static str),
    /// What it takes.
    Duration(&'static str),
}

/// By day and name, the numbers that the prose refers to.
pub(super) const NUMBERS: &[(&str, &[(&str, Shown)])] = &[
    (
        "day01",
        &[
            (
                "value_per_count",
                Shown::Ratio("decode/value", &["count/std-map/1000"], 0),
            ),
            (
                "decode_per_count",
                Shown::Ratio("decode/batch-wise", &["count/std-map/1000"], 0),
            ),
            (
                "decode_gain",
                Shown::Ratio("decode/value", &["decode/batch-wise"], 1),
            ),
            (
                "utf8_gain",
                Shown::Ratio("decode/one-field", &["decode/batch-wise"], 2),
            ),
            ("batch_share", Shown::Ratio("consume/batch", &["consume/poll"], 1)),
            (
                "sum_of_parts",
                Shown::Ratio(
                    "consume/job",
                    &["consume/batch", "consume/decode-only", "consume/count-only"],
                    1,
                ),
            ),
            (
                "hash_gain",
                Shown::Ratio("count/std-map/1000", &["count/foldhash/1000"], 1),
            ),
            (
                "miss_cost",
                Shown::Ratio("count/std-map/1000000", &["count/std-map/1000"], 1),
            ),
            ("job_ns", Shown::Duration("ladder-cpu/totals/day01")),
        ],
    ),
    (
        "day02",
        &[
            ("row_by_row", Shown::Duration("exchange/1x1/1")),
            ("row_batched", Shown::Duration("exchange/1x1/1000")),
            (
                "row_factor",
                Shown::AboutTimes("exchange/1x1/1", "exchange/1x1/1000"),
            ),
            ("freeze_1m", Shown::Duration("snapshot/freeze/1000000")),
            ("first_batch_1m", Shown::Duration("snapshot/first-batch/1000000")),
            ("clone_1m", Shown::Duration("snapshot/clone/1000000")),
            (
                "two_wall",
                Shown::Ratio("scaling-wall/tasks/2", &["scaling-wall/tasks/1"], 2),
            ),
        ],
    ),
    (
        "day03",
        &[
            (
                "overlap_600",
                Shown::Ratio("overlap/summary/600", &["overlap/summary/6"], 2),
            ),
            (
                "overlap_60",
                Shown::Ratio("overlap/summary/60", &["overlap/summary/1"], 2),
            ),
        ],
    ),
    (
        "day06",
        &[
            (
                "sql_share",
                Shown::Ratio("sql-count/by-hand", &["sql-count/sql"], 2),
            ),
            (
                "all_columns",
                Shown::Ratio("sql-count/sql-all", &["sql-count/sql"], 1),
            ),
        ],
    ),
];
