//! Backs up, verifies and restores certification authorities from Linux, and proves that every backup restores
