"""How methods bear worse input: 2D noise like a detector's, missing joints, a wrong focal length, a pitched camera."""
