//! by_length - a router for servsim in Rust: prompts of up to `short` tokens go to the first half of the replicas, longer
//! ones to the rest, so that a long prefill never stands before a short question. Within each half, the fewest requests.

mod servsim;

use servsim::{Create, Error, Host, OptionRow, Plugin, Request, RouterContext, RouterOps};
use std::ffi::c_void;
use std::ptr::null;

struct ByLength {
    short: u32,
    load: Vec<u64>,
}

impl ByLength {
    /// The replicas that a prompt may go to; with one replica there is no choice.
    fn half(&self, prompt_tokens: u32) -> std::ops::Range<usize> {
        let count = self.load.len();
        let middle = (count + 1) / 2;
        match (prompt_tokens <= self.short, middle < count) {
            (true, _) => 0..middle,
            (false, true) => middle..count,
            (false, false) => 0..count,
        }
    }

    fn route(&mut self, prompt_tokens: u32) -> usize {
        let best = self.half(prompt_tokens).min_by_key(|&i| self.load[i]).unwrap_or(0);
        self.load[best] += 1;
        best
    }
}

extern "C" fn route(self_: *mut c_void, request: *const Request, replica: *mut u32, _err: *mut Error) -> i32 {
    let (router, request) = unsafe { (&mut *(self_ as *mut ByLength), &*request) };
    let chosen = router.route(request.prompt_tokens) as u32;
    unsafe { *replica = chosen };
    0
}

extern "C" fn leave(self_: *mut c_void, _request: *const Request, replica: u32) {
    let router = unsafe { &mut *(self_ as *mut ByLength) };
    router.load[replica as usize] -= 1;
}

extern "C" fn create(_host: *const Host, args: *const Create, self_: *mut *mut c_void, err: *mut Error) -> i32 {
    unsafe {
        let context = &*((*args).context as *const RouterContext);
        let Some(short) = (*args).value(c"short") else {
            return servsim::fail(err, servsim::EINVAL, "the option 'short' is not declared");
        };
        let router = ByLength { short: short.integer as u32, load: vec![0; context.replicas as usize] };
        *self_ = Box::into_raw(Box::new(router)) as *mut c_void;
    }
    0
}

extern "C" fn destroy(self_: *mut c_void) {
    unsafe {
        drop(Box::from_raw(self_ as *mut ByLength));
    }
}

static OPTIONS: [OptionRow; 1] = [OptionRow {
    name: c"short".as_ptr(),
    unit: c"tokens".as_ptr(),
    default_text: c"512".as_ptr(),
    choices: null(),
    help: c"the longest prompt that counts as short".as_ptr(),
    minimum: 0.0,
    maximum: 1e6,
    kind: servsim::OPTION_INTEGER,
    flags: 0,
}];

static OPS: RouterOps =
    RouterOps { size: size_of::<RouterOps>() as u32, reserved: 0, route: Some(route), leave: Some(leave) };

static PLUGIN: Plugin = Plugin {
    size: size_of::<Plugin>() as u32,
    abi_major: servsim::ABI_MAJOR,
    abi_minor: servsim::ABI_MINOR,
    kind: servsim::KIND_ROUTER,
    option_count: 1,
    option_size: size_of::<OptionRow>() as u32,
    reserved: 0,
    name: c"by_length".as_ptr(),
    version: c"1.0".as_ptr(),
    summary: c"short prompts apart from long ones".as_ptr(),
    licence: c"Apache-2.0".as_ptr(),
    page: null(),
    options: &OPTIONS as *const OptionRow,
    create: Some(create),
    destroy: Some(destroy),
    ops: &OPS as *const RouterOps as *const c_void,
};

#[no_mangle]
pub extern "C" fn servsim_plugin_at(index: u32, out: *mut *const Plugin) -> i32 {
    if index != 0 {
        return 0;
    }
    unsafe {
        *out = &PLUGIN;
    }
    1
}
