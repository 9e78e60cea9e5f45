"""launch: where a training runs: in this process, in processes of this machine, or in a cluster."""
