// A process that does nothing: what the others are measured over.
