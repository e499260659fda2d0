"""A plugin-based benchmark suite for monocular 3D human pose estimation."""
