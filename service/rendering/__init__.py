"""Heights as pictures: from arrays to bytes. No web, no SQL, no I/O."""
