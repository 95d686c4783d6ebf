"""One question, its attempt, what each perspective counts for, and the verdict. Pure."""
