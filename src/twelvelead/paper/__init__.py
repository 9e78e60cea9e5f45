"""Signals become pages of paper: composed in millimetres, drawn flat or photographed, the same everywhere.

style layout            what a page looks like, and where everything lies
compose scene           a record on a sheet, in millimetres
print font fill trace   lettering, outlines, the pen
page encode             the clean page, and its PNG
warp relief camera      where the paper is seen
degrade presets photo   what happens to it, and the picture of that; jpeg
truth sidecar           boxes, masks and traces, and all of it in 20 kB
look words              which page a record gets, and what may be printed on it
vector                  SVG and PDF
digitise                the way back
"""
