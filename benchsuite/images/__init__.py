"""Photographs, and the person crops that image models are given.

Pixels are counted from the picture's top left corner, as all columns in px do: the first pixel covers 0 to 1 in each
direction and its middle is at (0.5, 0.5), so a picture of W x H px ends at (W, H) and its middle is at (W/2, H/2). A
crop is then scaled by a factor alone, without halves to add.
"""
