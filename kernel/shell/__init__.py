"""The shell: what a person types to start a program. `programs` runs a file's `main` on a kernel."""
