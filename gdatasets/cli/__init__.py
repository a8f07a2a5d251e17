"""The command `gdatasets`."""
