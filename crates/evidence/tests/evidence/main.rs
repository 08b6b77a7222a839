//! Evidence through its front door: custody that cannot be changed unseen, logs and snapshots in every packing.

mod check;
mod custody;
mod folder;
mod logs;
mod parquet;
mod queries;
mod real;
mod snapshots;
