//! The `xrun` command.

use std::ffi::{c_int, c_long};
use std::process::ExitCode;

/// Training allocates and frees the same large buffers in every step; the system's allocator hands their pages back
/// each time, which cost a sixth of the time of a convolutional network on Linux.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The allocator's `mi_option_purge_decommits`.
const PURGE_DECOMMITS: c_int = 5;

#[expect(unsafe_code, reason = "a function of the allocator above, as its header declares it")]
unsafe extern "C" {
    fn mi_option_set(option: c_int, value: c_long);
}

fn main() -> ExitCode {
    // What lay unused for a moment is offered to the system, but stays until the system needs it: taken away at once, as it is
    // by default, DenseNet121 asked for 14,000 pages in every step, a quarter of its time.
    #[expect(unsafe_code, reason = "no other thread runs yet, which is all that the function asks for")]
    unsafe {
        mi_option_set(PURGE_DECOMMITS, 0);
    }
    xrun::cli::main()
}
