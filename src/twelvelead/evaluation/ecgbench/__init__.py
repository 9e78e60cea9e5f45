"""Scoring of output files of PULSE, GEM and their like on the tasks of ECGBench (arXiv 2410.19008)."""
