//! Bindings to servsim/plugin.h, ABI 1.0: what every plugin needs, and routers. Other kinds have operations of their own;
//! write them down in the same way, in the order of the header.
#![allow(dead_code)]

use std::ffi::{c_char, c_void};

pub const ABI_MAJOR: u16 = 1;
pub const ABI_MINOR: u16 = 0;
pub const KIND_ROUTER: u32 = 4;
pub const OPTION_INTEGER: u32 = 1;
pub const EINVAL: i32 = 22;

#[repr(C)]
pub struct Error {
    pub size: u32,
    pub reserved: u32,
    pub text: [u8; 1016],
}

#[repr(C)]
pub struct OptionRow {
    pub name: *const c_char,
    pub unit: *const c_char,
    pub default_text: *const c_char,
    pub choices: *const c_char,
    pub help: *const c_char,
    pub minimum: f64,
    pub maximum: f64,
    pub kind: u32,
    pub flags: u32,
}

#[repr(C)]
pub struct Value {
    pub name: *const c_char,
    pub text: *const c_char,
    pub list: *const f64,
    pub integer: i64,
    pub number: f64,
    pub list_count: u32,
    pub present: u32,
}

#[repr(C)]
pub struct Create {
    pub size: u32,
    pub value_count: u32,
    pub value_size: u32,
    pub reserved: u32,
    pub values: *const Value,
    pub context: *const c_void,
}

impl Create {
    /// The value of a declared option.
    ///
    /// # Safety
    /// `self` is what create() was given.
    pub unsafe fn value(&self, name: &std::ffi::CStr) -> Option<&Value> {
        (0..self.value_count as usize)
            .map(|i| &*((self.values as *const u8).add(i * self.value_size as usize) as *const Value))
            .find(|value| std::ffi::CStr::from_ptr(value.name) == name)
    }
}

/// The head of a request: the host's own is larger, and only ever seen behind a reference.
#[repr(C)]
pub struct Request {
    pub size: u32,
    pub priority: i32,
    pub id: u64,
    pub client: u64,
    pub arrival_s: i64,
    pub arrival_ps: i64,
    pub deadline_s: i64,
    pub deadline_ps: i64,
    pub prompt_tokens: u32,
}

#[repr(C)]
pub struct ReplicaState {
    pub size: u32,
    pub waiting: u32,
    pub running: u32,
    pub block_size: u32,
    pub kv_blocks_used: u64,
    pub kv_blocks_total: u64,
    pub prefill_tokens_left: u64,
}

#[repr(C)]
pub struct Host {
    pub size: u32,
    pub abi_minor: u32,
    pub ctx: *mut c_void,
    pub log: Option<extern "C" fn(*mut c_void, u32, *const c_char)>,
    pub seed: Option<extern "C" fn(*mut c_void, *const c_char) -> u64>,
    pub replica_state: Option<extern "C" fn(*mut c_void, u32, *mut ReplicaState) -> i32>,
}

#[repr(C)]
pub struct RouterContext {
    pub size: u32,
    pub replicas: u32,
}

#[repr(C)]
pub struct RouterOps {
    pub size: u32,
    pub reserved: u32,
    pub route: Option<extern "C" fn(*mut c_void, *const Request, *mut u32, *mut Error) -> i32>,
    pub leave: Option<extern "C" fn(*mut c_void, *const Request, u32)>,
}

#[repr(C)]
pub struct Plugin {
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub kind: u32,
    pub option_count: u32,
    pub option_size: u32,
    pub reserved: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub summary: *const c_char,
    pub licence: *const c_char,
    pub page: *const c_char,
    pub options: *const OptionRow,
    pub create: Option<extern "C" fn(*const Host, *const Create, *mut *mut c_void, *mut Error) -> i32>,
    pub destroy: Option<extern "C" fn(*mut c_void)>,
    pub ops: *const c_void,
}

// Static tables of plain data, never written to.
unsafe impl Sync for Plugin {}
unsafe impl Sync for OptionRow {}

/// Fills the error text and answers -code, as servsim_fail() does.
///
/// # Safety
/// `err` is what the entry was given.
pub unsafe fn fail(err: *mut Error, code: i32, text: &str) -> i32 {
    if let Some(err) = err.as_mut() {
        let length = text.len().min(err.text.len() - 1);
        err.text[..length].copy_from_slice(&text.as_bytes()[..length]);
        err.text[length] = 0;
    }
    -code
}
