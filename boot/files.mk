# Sources of this directory, sorted, one per line.
