"""Questions and answers about pages, grounded in a record's statements and measured values."""
