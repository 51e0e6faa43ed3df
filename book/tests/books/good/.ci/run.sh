# ANCHOR: run
cargo run -p day01
# ANCHOR_END: run
