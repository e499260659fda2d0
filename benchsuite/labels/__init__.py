"""3D labels for people of whom only 2D keypoints are known: Sec. 3.5 of the paper."""
