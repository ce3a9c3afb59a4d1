//! Sets the linker flags a Node.js addon needs; does nothing when the binding is left out.

fn main() {
    #[cfg(feature = "node")]
    napi_build::setup();
}
