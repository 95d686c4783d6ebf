"""Where records are kept: one shape (`base`), two places."""
