"""Speech: what a task is, where its clips come from, and how they are made harder to learn."""
