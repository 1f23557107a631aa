"""Sets that lessons read out of packages of the index, a file for each source; texts rewritten; how raters agree."""
