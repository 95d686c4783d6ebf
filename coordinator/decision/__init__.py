"""One request, its attempt, each perspective's vote, and the verdict. Pure."""
