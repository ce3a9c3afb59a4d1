//! The two buffers shared with JavaScript. The only file with unsafe code.
//!
//! # Why this is sound
//!
//! - The memory lives: each [`Uint8Array`] holds a Node-API reference to its view, so the view and the memory
//!   behind it outlive this value. The facade allocates both as plain `ArrayBuffer`s of fixed length, never hands
//!   them out, transfers or detaches them; a larger pair replaces them through `setBuffers`.
//! - Only one side writes at a time: a [`Buffers`] belongs to a port, and a port to the thread-local table of its
//!   environment's thread. So Rust touches the memory only inside a native call on that thread, while no JavaScript of that
//!   environment runs. `Buffers` is neither `Send` nor `Sync` (the marker field), although napi declares `Uint8Array` as both.
//!   No other environment sees the memory, because it is not a `SharedArrayBuffer`.
//! - No two Rust references alias: reading borrows `self`, writing borrows it mutably, and neither slice leaves
//!   the call it was made in. That holds even if both views had the same memory.
#![expect(unsafe_code, reason = "writing into a JavaScript buffer; the argument stands above")]

use std::marker::PhantomData;
use std::rc::Rc;

use napi::bindgen_prelude::Uint8Array;

use crate::error::{Error, Kind, Result};

/// The request and result buffers of a port.
pub struct Buffers {
    request: Uint8Array,
    result: Uint8Array,
    on_this_thread: PhantomData<Rc<()>>,
}

impl Buffers {
    /// Takes ownership of both buffers.
    pub fn new(request: Uint8Array, result: Uint8Array) -> Buffers {
        Buffers { request, result, on_this_thread: PhantomData }
    }

    /// The first bytes of the request buffer.
    #[inline]
    pub fn request(&self, length: u32) -> Result<&[u8]> {
        self.request.get(..length as usize).ok_or_else(|| {
            let have = self.request.len();
            Error::new(Kind::Internal, format!("a request of {length} bytes in a buffer of {have}"))
        })
    }

    /// The length of the result buffer.
    pub fn room(&self) -> usize {
        self.result.len()
    }

    /// Writes bytes at this offset of the result buffer. Returns `false`, and writes nothing, when they do not fit.
    #[inline]
    pub fn write(&mut self, at: usize, bytes: &[u8]) -> bool {
        // SAFETY: the memory is alive and nothing else reads or writes it during this call; see the file's docs.
        let result = unsafe { self.result.as_mut() };
        match at.checked_add(bytes.len()).and_then(|end| result.get_mut(at..end)) {
            Some(place) => {
                place.copy_from_slice(bytes);
                true
            }
            None => false,
        }
    }
}
