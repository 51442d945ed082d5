"""Ordinary blocking functions, run in threads and in processes while the kernel goes on."""
