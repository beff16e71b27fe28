//! System tests: the real binary, spoken to as its users do, and facts about the whole workspace.

mod architecture;
mod cluster;
mod command_line;
mod doctor;
mod licences;
mod lifecycle;
mod member;
mod operating;
mod operators;
mod redis_faults;
mod stopping;
