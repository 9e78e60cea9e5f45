"""`python -m twelvelead.cli`."""

from twelvelead.cli import main

main()
