"""Whether what is needed is there: on this machine, and in a cluster."""
