//! The main job.
use anyhow::Result;
pub(crate) fn run() -> Result<()> {
    Ok(())
}
pub(crate) fn run_against(_url: &str, _storage: &std::path::Path) -> Result<()> {
    Ok(())
}
