"""`python -m twelvelead`."""

from twelvelead.cli import main

if __name__ == "__main__":
    main()
