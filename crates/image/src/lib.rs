//! Images: from a reference to layers by digest to one tree of files.
