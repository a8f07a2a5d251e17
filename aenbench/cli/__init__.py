"""The command `aenbench`: one file for each group of commands; `main` registers them."""
