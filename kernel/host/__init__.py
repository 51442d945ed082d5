"""What the operating system has besides sockets: processes, signals, files."""
