"""Signals become pages of paper: laid out in millimetres, rasterised once, the same bytes everywhere.

layout   where everything lies
grid     the millimetre paper
trace    the pen: antialiased lines
print    lettering, drawn by the same pen
page     signal → page, and its ground truth
encode   page → PNG
"""
