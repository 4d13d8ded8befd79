"""The execution of commands: `dispatcher` names who executes which. `typing`, `read` and `who` are in `ephemeral/`."""
