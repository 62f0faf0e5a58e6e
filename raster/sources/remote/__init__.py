"""Sources that lie elsewhere: which addresses are taken, and their bytes by range, kept here for a while."""
