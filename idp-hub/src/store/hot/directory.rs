//! The directory as the writer keeps it, so that it is not read for each change.

use crate::directory::Directory;

/// The directory, once it was used.
#[derive(Default)]
pub(in crate::store) struct DirectoryHot {
    held: Option<Box<Directory>>,
    /// The change being made changed it.
    is_changed: bool,
    /// Something was changed since it was last told how far the directory goes.
    is_untold: bool,
}

impl DirectoryHot {
    /// What is held. Whoever does not give it back has it read anew.
    pub(in crate::store) const fn take(&mut self) -> Option<Box<Directory>> {
        self.held.take()
    }

    /// Holds it as the database has it.
    pub(in crate::store) fn keep(&mut self, directory: Box<Directory>) {
        self.held = Some(directory);
    }

    /// Holds it as the open transaction has it.
    pub(in crate::store) fn keep_changed(&mut self, directory: Box<Directory>) {
        self.is_changed = true;
        self.is_untold = true;
        self.held = Some(directory);
    }

    /// Whether agents must be told, once.
    pub(in crate::store) const fn take_untold(&mut self) -> bool {
        std::mem::replace(&mut self.is_untold, false)
    }

    pub(super) const fn change_begins(&mut self) {
        self.is_changed = false;
    }

    pub(super) fn change_failed(&mut self) {
        if std::mem::take(&mut self.is_changed) {
            self.held = None;
        }
    }

    pub(super) fn roll_back(&mut self) {
        self.held = None;
    }
}
