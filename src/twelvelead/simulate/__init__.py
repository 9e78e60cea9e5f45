"""Simulated patients and their 12-lead records, in the manner of PTB-XL.

population   patients, label sets, folds → RecordPlan, one a row of ptbxl_database.csv
record       RecordPlan → samples; RecordPlan → what is true of them
vcg          the heart as a moving dipole, the body as a lead matrix
statements   one small edit a statement, with its criterion of `criteria`
rhythm       when the beats come
noise        what electrodes and the device add
"""
