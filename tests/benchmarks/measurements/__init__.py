"""What `make bench` measures: one module for each part of its table, each with the function `measure(run)`."""
