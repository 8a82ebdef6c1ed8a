"""`python -m laurels` is `laurels`."""

from laurels.cli import main

main()
