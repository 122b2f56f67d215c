"""The daemon and its command line: the outermost house, which may import every other and is imported by none."""
