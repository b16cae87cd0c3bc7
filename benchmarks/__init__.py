"""gotwist beside its peers and beside the bare limit, measured in one run."""
