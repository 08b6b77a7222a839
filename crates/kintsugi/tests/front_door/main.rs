//! The real binary through its front door, and the rules of the house.

mod answers;
mod attack;
mod bad_input;
mod bounces;
mod cited;
mod desk;
mod follow_ups;
mod full_disk;
mod hostile;
mod killed;
mod letters;
mod pause;
mod pipeline;
mod restored;
mod score;
mod secrets;
mod tidy;
