//! What the tests share: in-memory pairs, storage that crashes, processes that stop by their own handle
