"""Reading what comes from outside: pictures and records in, statements under their model's name out."""
