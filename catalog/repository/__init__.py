"""Every query of the project. The session says whether a function may write."""
