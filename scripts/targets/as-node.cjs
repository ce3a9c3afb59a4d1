// Preloaded into a Node.js that an emulator or a loader runs: its children must start in the same way, not as what the kernel calls the program.

if (process.env.EMULATED_NODE) process.execPath = process.env.EMULATED_NODE
