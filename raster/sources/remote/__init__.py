"""Sources that lie elsewhere: which addresses are taken, and their bytes by range, kept on this disk for a while."""
