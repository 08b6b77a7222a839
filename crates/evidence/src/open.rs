//! Opening evidence for reading: the file or its encrypted copy, its digest computed on the way, decompressed by magic.
