"""Pictures of our own pages become signals again: plain column tracing, no model."""
