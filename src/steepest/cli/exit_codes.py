"""What the command tells the shell."""

FINISHED, BUG, MISTAKE, INTERRUPTED = 0, 1, 2, 130
