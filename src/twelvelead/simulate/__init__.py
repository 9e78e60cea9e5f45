"""Simulated patients and their 12-lead records, in the manner of PTB-XL.

population   patients, label sets, folds → RecordPlan, one a row of ptbxl_database.csv
record       RecordPlan → samples; RecordPlan → what is true of them
vcg          the heart as a moving dipole, the body as a lead matrix
statements   all 71, in the order of their edits: `conduction`, `hypertrophy`, `infarction`, `ischaemia`,
             `repolarisation`; each with its criterion of `criteria`
rhythm       when the beats come: `sinus`, `arrhythmia`, `block`, with `ectopy` on top; `atria` draws f waves
labels       which statements a record carries; `findings` what it really shows, with the dials of difficulty
noise        what electrodes and the device add
"""
