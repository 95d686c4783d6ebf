"""What a person types: `mpic agent`."""
