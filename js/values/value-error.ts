// The error of a text that is not the value that it should be.

/** A text cannot be read; the message names what it should be, and where it ends to be that. */
export class ValueError extends Error {}
