"""What is kept of a run: records, costs, worst poses and reported tables, their layout, history and validation."""
