"""What a person types: `mpic coordinator`, `mpic ask`, `mpic perspectives`, `mpic record`."""
