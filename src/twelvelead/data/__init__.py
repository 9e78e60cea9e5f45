"""Records on disk: reading, writing, indexing, hashing."""
