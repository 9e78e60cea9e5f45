"""The pipelines: compile them, run one on this machine or on a cluster, show what came out."""
