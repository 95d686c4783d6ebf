"""The commands `mpic record ...`: what auditors, responders and operators ask of the record."""
