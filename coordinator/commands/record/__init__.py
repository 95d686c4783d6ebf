"""The commands `mpic record ...`: what auditors and operators ask of the record."""
